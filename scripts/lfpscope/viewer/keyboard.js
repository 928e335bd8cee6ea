// Keys that work wherever the mouse is, except while somebody types; the focus returns to the page
// after a control; the wheel with Shift, or to the side, moves in time.
const before = window.lfpscopePage // that this one has taken the place of
window.lfpscopePage = { pressed, time, plot: cb_obj, screen }
const measure = () => {
  const ratio = window.devicePixelRatio
  const { screen } = window.lfpscopePage
  if (screen.data.ratio[0] != ratio) screen.data = { ratio: [ratio] }
}
measure()
if (before) return
window.addEventListener("resize", measure)
const TYPED = ["INPUT", "TEXTAREA"]
const POSITIONS = { Equal: "+", Minus: "-", Digit0: "0" }
const LINE = 33 // pixels of a wheel that counts lines
let presses = 0

const target = (event) => event.composedPath()[0]

const leave = (element) => setTimeout(() => element.blur()) // once its change has been heard

// by letter, whatever caps lock says; else by where the key lies on an English keyboard
const nameOf = ({ key, code, shiftKey }) => {
  if (key.length > 1) return shiftKey ? "Shift+" + key : key
  const letter = shiftKey ? key.toUpperCase() : key.toLowerCase()
  if (known.includes(letter)) return letter
  if (code == "Slash" && shiftKey) return "?"
  const position = code.startsWith("Key") ? code[3].toLowerCase() : POSITIONS[code] ?? ""
  return shiftKey ? position.toUpperCase() : position
}

document.addEventListener("keydown", (event) => {
  const element = target(event)
  const types = [...TYPED, "SELECT"].includes(element.tagName)
  if (types && event.key == "Escape") leave(element)
  if (types && event.key == "Enter" && element.tagName == "INPUT") leave(element)
  const name = nameOf(event)
  if (types || event.ctrlKey || event.metaKey || event.altKey || !known.includes(name)) return
  event.preventDefault()
  if (name == "Backspace") {
    if (window.history.state?.lfpscope > 0) window.history.back()
    return
  }
  presses += 1
  window.lfpscopePage.pressed.data = { key: [name + " " + presses] }
})

// a plot that keeps the focus after a click has a dotted frame
document.addEventListener("focusin", (event) => {
  if (target(event).classList?.contains("bk-events")) leave(target(event))
})

document.addEventListener("input", (event) => {
  if (target(event).tagName == "SELECT") leave(target(event))
})

document.addEventListener(
  "wheel",
  (event) => {
    const sideways = Math.abs(event.deltaX) > Math.abs(event.deltaY)
    const isPlot = event.composedPath().some((one) => one.classList?.contains("moves"))
    if (!isPlot || event.ctrlKey || !(event.shiftKey || sideways)) return
    event.preventDefault()
    event.stopPropagation()
    const { time, plot } = window.lfpscopePage
    const pixels = (sideways ? event.deltaX : event.deltaY) * (event.deltaMode ? LINE : 1)
    const length = time.end - time.start
    const [first, last] = time.bounds
    const wanted = time.start + (pixels / plot.inner_width) * length
    const start = Math.min(Math.max(wanted, first), Math.max(last - length, first))
    time.setv({ start, end: start + length })
  },
  { capture: true, passive: false },
)

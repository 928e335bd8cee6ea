// A box over depths, drawn beside a picture, or in it with Shift: its edges go to the server. So does
// the name of a probe that is clicked.
const before = window.lfpscopePointer // of a page that this one has taken the place of
window.lfpscopePointer = { drawn, clicked }
if (before) return
const LEAST = 5 // pixels: less is a click
let box = null // that is being drawn
let boxes = 0

const begin = (event) => {
  const plot = event.composedPath().find((one) => one.classList?.contains("depths"))
  if (!plot || event.button != 0) return
  const edges = plot.getBoundingClientRect()
  const isBeside = !plot.classList.contains("traces") || event.clientX < edges.left + left
  if (!isBeside && !event.shiftKey) return
  const shape = document.createElement("div")
  shape.style = "position: fixed; pointer-events: none; z-index: 3"
  shape.style.border = `1px dashed ${colour}`
  shape.style.left = `${edges.left}px`
  shape.style.width = `${edges.width}px`
  const probe = [...plot.classList].find((one) => one.startsWith("probe-")).slice(6)
  box = { from: event.clientY, first: edges.top + above, last: edges.bottom - below, shape, probe }
}

const rowsOf = ({ from, first, last }, event) =>
  [from, event.clientY].map((y) => Math.min(Math.max(y, first), last)).sort((a, b) => a - b)

const draw = (event) => {
  if (!box) return
  event.stopPropagation() // it would move the page, too
  const [top, bottom] = rowsOf(box, event)
  box.shape.style.top = `${top}px`
  box.shape.style.height = `${bottom - top}px`
  if (bottom - top >= LEAST) document.body.append(box.shape)
}

const end = (event) => {
  if (!box) return
  const { first, last, shape, probe } = box
  const [top, bottom] = rowsOf(box, event)
  shape.remove()
  box = null
  if (event.type == "pointercancel" || bottom - top < LEAST) return
  boxes += 1
  event.stopPropagation() // to Bokeh it would be a click
  const { pointerId, isPrimary } = event
  const options = { pointerId, isPrimary, bubbles: true, composed: true }
  event.composedPath()[0].dispatchEvent(new PointerEvent("pointercancel", options))
  const [high, low] = [top, bottom].map((y) => (last - y) / (last - first))
  window.lfpscopePointer.drawn.data = { probe: [probe], low: [low], high: [high], box: [boxes] }
}

document.addEventListener("click", (event) => {
  const name = event.composedPath()[0]
  if (!name.classList?.contains("probe-name")) return
  const source = window.lfpscopePointer.clicked
  source.data = { probe: [name.textContent] }
  source.data = { probe: [] } // the same one again is another click
})

document.addEventListener("pointerdown", begin, { capture: true })
document.addEventListener("pointermove", draw, { capture: true })
document.addEventListener("pointerup", end, { capture: true })
document.addEventListener("pointercancel", end, { capture: true })

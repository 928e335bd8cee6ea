// A menu of columns of the electrodes, and of their values, below a box in which an expression or
// an order is typed. Arrows choose, Enter or Tab takes over, Esc closes.
const before = window.lfpscopeCompletion // of a page that this one has taken the place of
window.lfpscopeCompletion = { columns, values }
if (before) return
const WORD = /-?([A-Za-z_]\w*)?$/
const VALUE = /([A-Za-z_]\w*)\s*(?:==|!=|in|not\s+in)\s*(?:\[(?:[^\]]*,)?\s*)?("[^"]*|'[^']*)$/
const MOST = 12 // entries
const LEAST = 1 // letters
const menu = document.createElement("div")
menu.className = "lfpscope-completion"
menu.setAttribute("role", "listbox")
menu.style = "position: fixed; z-index: 5; background: white; cursor: default"
menu.style.border = `1px solid ${colour}`
let box = null // that it belongs to
let active = -1
let start = 0 // of what an entry takes the place of
let isChanged = false // by an entry, of which the box says nothing when it is left

const boxOf = (event) => {
  const path = event.composedPath()
  return path[0].tagName == "INPUT" && path.some((one) => one.classList?.contains("completes"))
    ? path[0]
    : null
}

const close = () => {
  menu.remove()
  active = -1
}

// entries for what stands before the caret, and where that begins
const entriesFor = (text, isAsked) => {
  const known = window.lfpscopeCompletion
  const value = text.match(VALUE)
  if (value) {
    const quote = value[2][0]
    const typed = value[2].slice(1).toLowerCase()
    const found = (known.values[value[1]] ?? []).filter((one) => one.toLowerCase().startsWith(typed))
    return [text.length - value[2].length, found.map((one) => quote + one + quote)]
  }
  if ((text.match(/["']/g) ?? []).length % 2) return [0, []] // inside a text
  const word = text.match(WORD)
  const typed = (word[1] ?? "").toLowerCase()
  if (typed.length < LEAST && !isAsked) return [0, []]
  const found = known.columns.filter((one) => one.toLowerCase().startsWith(typed))
  const isDone = found.length == 1 && found[0] == word[1]
  return [text.length - typed.length, isDone ? [] : found]
}

const show = (input, isAsked) => {
  const [at, entries] = entriesFor(input.value.slice(0, input.selectionStart), isAsked)
  close()
  box = input
  start = at
  menu.replaceChildren(
    ...entries.slice(0, MOST).map((entry) => {
      const line = document.createElement("div")
      line.textContent = entry
      line.style = "padding: 2px 8px"
      line.setAttribute("role", "option")
      return line
    }),
  )
  if (!entries.length) return
  const edges = input.getBoundingClientRect()
  menu.style.left = `${edges.left}px`
  menu.style.top = `${edges.bottom}px`
  menu.style.minWidth = `${edges.width}px`
  menu.style.font = getComputedStyle(input).font
  document.body.append(menu)
}

const point = (index) => {
  const lines = [...menu.children]
  active = Math.min(Math.max(index, 0), lines.length - 1)
  lines.forEach((line, i) => {
    line.style.background = i == active ? colour : ""
    line.style.color = i == active ? "white" : ""
    line.setAttribute("aria-selected", i == active)
  })
}

const take = (entry) => {
  const input = box
  const rest = input.value.slice(input.selectionStart)
  input.value = input.value.slice(0, start) + entry + rest
  const caret = start + entry.length
  input.setSelectionRange(caret, caret)
  isChanged = true
  input.dispatchEvent(new Event("input", { bubbles: true, composed: true }))
}

const commit = (input) => {
  if (isChanged) input.dispatchEvent(new Event("change", { bubbles: true }))
  isChanged = false
}

document.addEventListener("input", (event) => {
  const input = boxOf(event)
  if (input) show(input, false)
})

document.addEventListener(
  "keydown",
  (event) => {
    const input = boxOf(event)
    if (!input || event.ctrlKey || event.metaKey || event.altKey) return
    const isOpen = menu.isConnected
    const used = () => {
      event.preventDefault()
      event.stopPropagation()
    }
    if (event.key == "ArrowDown" || event.key == "ArrowUp") {
      if (!isOpen) show(input, true)
      point(active + (event.key == "ArrowDown" ? 1 : -1))
      used()
    } else if (isOpen && event.key == "Escape") {
      close()
      used()
    } else if (isOpen && (event.key == "Tab" || (event.key == "Enter" && active >= 0))) {
      take(menu.children[Math.max(active, 0)].textContent)
      used()
    } else if (event.key == "Enter") {
      close()
      commit(input)
    }
  },
  { capture: true },
)

document.addEventListener("focusout", (event) => {
  const input = boxOf(event)
  if (!input) return
  close()
  commit(input)
})

menu.addEventListener("pointerdown", (event) => {
  event.preventDefault() // the focus stays in the box
  if (event.target != menu) take(event.target.textContent)
})

// The minimap's box follows the mouse: a click centres it, a drag moves it however narrow it is, and
// stretches it where an edge was taken hold of.
const NEAR = 6 // pixels
const { x, event_name } = cb_obj
const [first, last] = time.bounds
const pixel = (range.end - range.start) / plot.inner_width
const { start, end } = time
const length = end - start
const middle = (start + end) / 2

const move = (to) => {
  const begin = Math.min(Math.max(to - length / 2, first), Math.max(last - length, first))
  time.setv({ start: begin, end: begin + length })
}

const grab = () => {
  if (length > 4 * NEAR * pixel) {
    if (Math.abs(x - start) < NEAR * pixel) return { edge: "start" }
    if (Math.abs(x - end) < NEAR * pixel) return { edge: "end" }
  }
  const isInside = Math.abs(x - middle) < Math.max(length / 2, NEAR * pixel)
  return { offset: isInside ? x - middle : 0 }
}

const drag = ({ edge, offset }) => {
  const at = Math.min(Math.max(x, first), last)
  if (edge == "start") time.start = Math.min(at, end - time.min_interval)
  else if (edge == "end") time.end = Math.max(at, start + time.min_interval)
  else move(x - offset)
}

if (event_name == "tap") move(x)
else if (event_name == "panstart") window.lfpscopeGrabbed = grab()
else drag(window.lfpscopeGrabbed ?? grab())

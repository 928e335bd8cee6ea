// Says when the server is out of reach, and loads the page again once it answers: the address holds
// the view. Bokeh's own reconnection never runs: its page would keep models that the server has not.
(() => {
  const PATIENCE = 15000 // ms that the server may take to answer what the page sends
  const LONGEST_PAUSE = 5000 // ms between two questions whether it is back
  const SHORT = 10000 // ms: a connection that ends sooner makes the next page wait longer
  const COUNT = "lfpscope connections that were short"
  const Socket = window.WebSocket
  let isLost = false
  let isLeaving = false
  let hasAnswered = false
  let asked = null // when the page sent what has not been answered yet

  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

  const remember = (count) => {
    try {
      sessionStorage.setItem(COUNT, count)
    } catch {} // a frame that may keep nothing
  }

  const remembered = () => {
    try {
      return Number(sessionStorage.getItem(COUNT))
    } catch {
      return 3
    }
  }

  const say = (text) => {
    const line = document.createElement("div")
    line.className = "connection"
    line.setAttribute("role", "alert")
    line.textContent = text
    line.style.cssText =
      "position: fixed; top: 0; left: 0; right: 0; z-index: 1000; padding: 4px 8px;" +
      "font: 13px/18px sans-serif; color: white; background: #9c2a10"
    document.body.append(line)
  }

  const isBack = async () => {
    try {
      const signal = AbortSignal.timeout(LONGEST_PAUSE)
      const answer = await fetch("ping", { cache: "no-store", signal })
      return answer.status == 204 || answer.redirected // to a proxy's login
    } catch {
      return false
    }
  }

  const lose = async () => {
    if (isLost || isLeaving) return
    isLost = true
    const short = remembered()
    remember(short + 1)
    say(
      hasAnswered || short < 2
        ? "connection lost: waiting for the server"
        : `no connection: a proxy must let websockets through, and the server be started with ` +
            `--allow-websocket-origin ${location.host}`,
    )
    await pause(Math.min(250 * 2 ** short, 30000))
    for (let ms = 500; !(await isBack()); ms = Math.min(1.5 * ms, LONGEST_PAUSE)) await pause(ms)
    location.reload()
  }

  window.WebSocket = class extends Socket {
    constructor(...rest) {
      super(...rest)
      // the first to listen, so nobody else hears of the end
      for (const end of ["close", "error"]) {
        this.addEventListener(end, (event) => {
          event.stopImmediatePropagation()
          lose()
        })
      }
      this.addEventListener("message", () => {
        asked = null
        if (!hasAnswered) setTimeout(() => isLost || remember(0), SHORT)
        hasAnswered = true
      })
    }

    send(data) {
      asked ??= Date.now()
      super.send(data)
    }
  }

  setInterval(() => asked !== null && Date.now() - asked > PATIENCE && lose(), 1000)
  window.addEventListener("pagehide", () => (isLeaving = true))
  window.addEventListener("pageshow", (event) => event.persisted && location.reload())
})()

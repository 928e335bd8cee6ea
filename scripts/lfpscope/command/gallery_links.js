// A gallery that a server of viewers gives: a link to the viewer stands where the page on a disk has
// the command that starts it.
for (const command of document.querySelectorAll(".command")) {
  const section = command.closest(".session")
  const card = command.closest(".card")
  if (!section) continue
  const session = section.getAttribute("aria-labelledby").slice("session-".length)
  const link = document.createElement("a")
  link.className = "viewer"
  link.href = encodeURIComponent(session)
  link.textContent = "open in the viewer"
  if (card) link.setAttribute("aria-label", `Open ${card.id} in the viewer`)
  command.replaceChildren(link)
}

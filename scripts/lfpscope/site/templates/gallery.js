"use strict";
const form = document.getElementById("controls");
const sorted = document.getElementById("sorted");
const sessions = [...document.querySelectorAll(".session")].map((section) => ({
  section,
  list: section.querySelector(".cards"),
  cards: [...section.querySelectorAll(".card")],
}));
const cards = sessions.flatMap((session) => session.cards);
const keys = new Map(cards.map((card) => [card, JSON.parse(card.dataset.keys)]));

const issues = ["dead", "noisy", "saturated", "drifting", "mains", "gaps", "resets", "missing"];
const quality = {
  "": () => true,
  clean: (key) =>
    key.complete && key.channels && !key.doubts.length && !issues.some((name) => key[name]),
  incomplete: (key) => !key.complete,
  doubted: (key) => key.doubts.length > 0,
};
for (const name of [...issues, "outside"]) quality[name] = (key) => key[name] > 0;
for (const kind of ["values", "labels", "missing"])
  quality[`doubts-${kind}`] = (key) => key.doubts.includes(kind);

function fits(key, wanted) {
  const words = wanted.search.toLowerCase().split(/\s+/);
  return (
    words.every((word) => key.words.includes(word)) &&
    (!wanted.area || key.areas.includes(wanted.area)) &&
    (!wanted.rate || key.rate === Number(wanted.rate)) &&
    (!wanted.least || key.channels >= Number(wanted.least)) &&
    (!wanted.most || key.channels <= Number(wanted.most)) &&
    (!wanted.bad || key.bad <= Number(wanted.bad)) &&
    (quality[wanted.quality] ?? quality[""])(key) // an address may name what is no choice here
  );
}

// highest first; probes without the figure last in either direction, as in the page's order
function order(name, reverse) {
  const sign = reverse ? 1 : -1;
  return (a, b) => {
    const [x, y] = [keys.get(a)[name] ?? null, keys.get(b)[name] ?? null];
    if (x === null || y === null) return (x === null) - (y === null);
    return sign * (x - y);
  };
}

function update() {
  const wanted = Object.fromEntries(new FormData(form));
  for (const card of cards) card.hidden = !fits(keys.get(card), wanted);
  sorted.hidden = !wanted.sort;
  if (wanted.sort) {
    const list = sorted.querySelector(".cards");
    list.replaceChildren(...[...cards].sort(order(wanted.sort, wanted.reverse)));
  }
  for (const session of sessions) {
    if (!wanted.sort && !session.list.children.length) session.list.append(...session.cards);
    session.section.hidden = Boolean(wanted.sort) || session.cards.every((card) => card.hidden);
  }
  const shown = cards.filter((card) => !card.hidden).length;
  document.getElementById("shown").value = `${shown} of ${cards.length} probes`;
  document.getElementById("none").hidden = shown > 0 || cards.length === 0;
  form.elements.reverse.disabled = !wanted.sort;
}

// what was chosen is kept in the address, for the way back from a picture and for others
function remember() {
  const chosen = [...new FormData(form)].filter(([, value]) => value);
  history.replaceState(null, "", `#?${new URLSearchParams(chosen)}`);
}

function recall() {
  if (!location.hash.startsWith("#?")) return;
  form.reset();
  for (const [name, value] of new URLSearchParams(location.hash.slice(2))) {
    const field = form.elements[name];
    if (field?.type === "checkbox") field.checked = true;
    else if (field) field.value = value;
  }
}

form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("input", () => {
  update();
  remember();
});
form.addEventListener("reset", () =>
  setTimeout(() => {
    update();
    remember();
  }),
);
addEventListener("hashchange", () => {
  recall();
  update();
});

// from picture to picture: left and right to the next, up and down to the one nearest in a row
function neighbour(from, key) {
  const pictures = [...document.querySelectorAll("a.picture")].filter((one) => one.checkVisibility());
  const at = pictures.indexOf(from);
  if (key === "ArrowLeft") return pictures[at - 1];
  if (key === "ArrowRight") return pictures[at + 1];
  const [here, down] = [from.getBoundingClientRect(), key === "ArrowDown"];
  const beyond = (down ? pictures.slice(at + 1) : pictures.slice(0, at).reverse()).map((one) => ({
    one,
    box: one.getBoundingClientRect(),
  }));
  const row = beyond.find(({ box }) => Math.abs(box.top - here.top) > 1)?.box.top;
  const inRow = beyond.filter(({ box }) => Math.abs(box.top - row) <= 1);
  const distance = ({ box }) => Math.abs(box.left - here.left);
  return inRow.sort((a, b) => distance(a) - distance(b))[0]?.one;
}

document.addEventListener("keydown", (event) => {
  const target = event.target;
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "/" && !target.matches("input, select")) {
    event.preventDefault();
    form.elements.search.select();
  } else if (event.key.startsWith("Arrow") && target.matches("a.picture")) {
    const next = neighbour(target, event.key);
    if (!next) return;
    event.preventDefault();
    next.focus({ preventScroll: true });
    next.scrollIntoView({ block: "center" });
  }
});

document.addEventListener("click", async (event) => {
  const button = event.target.closest(".copy");
  if (!button) return;
  const code = button.previousElementSibling;
  try {
    await navigator.clipboard.writeText(code.textContent);
    button.textContent = "copied";
    setTimeout(() => (button.textContent = "copy"), 1500);
  } catch {
    getSelection().selectAllChildren(code); // where the browser does not allow it: Ctrl+C
  }
});

// in a report the page stands without its folder
for (const image of document.querySelectorAll("img")) {
  image.addEventListener("error", () => {
    const note = document.createElement("span");
    note.className = "picture none";
    note.textContent = "the picture is not beside this page";
    image.replaceWith(note);
  });
}

recall();
update();

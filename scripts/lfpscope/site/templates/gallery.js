"use strict";
const form = document.getElementById("controls");
const main = document.getElementById("probes");
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
  const inRow = getComputedStyle(main).gridTemplateColumns.split(" ").length;
  for (const session of sessions) {
    const n = session.cards.filter((card) => !card.hidden).length;
    session.section.style.setProperty("--span", Math.min(Math.max(n, 1), inRow));
    if (!wanted.sort && !session.list.children.length) session.list.append(...session.cards);
    session.section.hidden = Boolean(wanted.sort) || n === 0;
  }
  const shown = cards.filter((card) => !card.hidden);
  document.getElementById("shown").value = `${shown.length} of ${cards.length} probes`;
  document.getElementById("none").hidden = shown.length > 0 || cards.length === 0;
  colour(Number(wanted.scale) || configured);
  lay(shown, wanted.axis !== "own");
  form.elements.reverse.disabled = !wanted.sort;
}

// --- the maps -----------------------------------------------------------------------------------

function colour(brightest) {
  const last = palette.length / 6 - 3; // then the colours of dead channels and of gaps
  const entries = Array.from({ length: 256 }, (_, code) => {
    if (code === gap) return last + 2;
    if (code === dead) return last + 1;
    if (code === least) return 0;
    const amplitude = configured * 10 ** (lowest + step * (code - least));
    return Math.round(Math.min(amplitude / brightest, 1) * last);
  });
  for (const [i, channel] of [..."RGB"].entries()) {
    const byte = (entry) => parseInt(palette.slice(6 * entry + 2 * i, 6 * entry + 2 * i + 2), 16);
    // a quarter more, so that neither rounding nor cutting off makes it another byte
    const values = entries.map((entry) => (byte(entry) + 0.25) / 255);
    document.querySelector(`feFunc${channel}`).setAttribute("tableValues", values.join(" "));
  }
}

const offset = new Map(); // of each probe from its session's first sample, seconds
for (const { cards } of sessions) {
  const starts = cards.map((card) => keys.get(card).start).filter((start) => Number.isFinite(start));
  for (const card of cards) offset.set(card, keys.get(card).start - Math.min(...starts));
}

// on one axis for all, or each on its own; an axis with breaks is never one with the others
function lay(shown, same) {
  const drawn = cards.filter((card) => card.querySelector(".levels"));
  const together = drawn.filter((card) => !card.hidden && !keys.get(card).broken);
  const ends = together.map((card) => offset.get(card) + keys.get(card).seconds);
  const end = Math.max(...ends);
  const widths = drawn.map((card) => card.clientWidth - 14); // before anything is moved
  for (const [i, card] of drawn.entries()) {
    const { seconds, broken } = keys.get(card);
    const first = same && !broken ? 0 : offset.get(card);
    const span = same && !broken ? end : seconds;
    const box = card.querySelector(".levels");
    const width = span > 0 ? seconds / span : 1;
    box.style.left = `${span > 0 ? (100 * (offset.get(card) - first)) / span : 0}%`;
    box.style.width = `${100 * width}%`;
    // the level that has no more columns than there are pixels: none is left out
    const pixels = Math.max(1, width * widths[i] * devicePixelRatio);
    const level = Math.min(levels - 1, Math.max(0, Math.ceil(Math.log2(columns / pixels))));
    box.firstElementChild.style.marginTop = `${-rows * level}px`;
    mark(card.querySelector(".axis"), first, span, broken);
  }
  document.getElementById("axis-said").textContent = !ends.length
    ? ""
    : same
      ? `Time since the first sample of each session, one axis for all pictures: ${clock(end)} long.`
      : "Time since the first sample of each session; each picture has its own axis.";
}

const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800];
for (const hours of [1, 2, 3, 6, 12, 24, 48, 168, 336, 720]) steps.push(3600 * hours);

function mark(axis, first, span, broken) {
  axis.replaceChildren();
  if (broken) axis.textContent = "axis with breaks: not to scale";
  if (broken || !(span > 0)) return;
  let every = steps.find((one) => span / one <= 4) ?? 10 ** Math.ceil(Math.log10(span / 4));
  while (every > span) every /= 10; // less than a second
  for (let k = Math.ceil(first / every); k * every < first + 0.93 * span; k++) {
    const tick = document.createElement("i");
    tick.style.left = `${(100 * (k * every - first)) / span}%`;
    tick.textContent = clock(k * every);
    axis.append(tick);
  }
}

function clock(seconds) {
  if (seconds < 60) return `${Number(seconds.toFixed(3))} s`;
  const [days, rest] = [Math.floor(seconds / 86400), Math.round(seconds % 86400)];
  const [h, m, s] = [Math.floor(rest / 3600), Math.floor(rest / 60) % 60, rest % 60];
  const two = (number) => String(number).padStart(2, "0");
  return `${days ? `${days} d ` : ""}${h}:${two(m)}:${two(s)}`;
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
addEventListener("resize", update);
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
    (image.closest(".map") ?? image).replaceWith(note);
  });
}

recall();
update();

// Steps, zoom, playing, keys and buttons; the last of the files, which starts it all.

// ── a step ───────────────────────────────────────────────────────────────────────────────────────────────────────────

const scrub = find("#scrub");
const phases = { start: "Start", forward: "Forward", seed: "Backward", backward: "Backward", end: "End" };
const seenAs = (i) => drawing.nodes.get(i) ?? drawing.folds.get(hiddenIn(i));

/** Show a step; only classes and texts change. */
function show() {
  const moment = moments[step];
  const backward = step >= seedAt;
  document.body.dataset.phase = moment.phase;
  document.body.dataset.direction = backward ? "backward" : "forward";

  for (const [i, { group, value, gradient }] of drawing.nodes) {
    const piece = pieces[i];
    const known = isKnown(i, step);
    const grad = gradientOf(i, step);
    value.textContent = known ? piece.text : piece.before;
    gradient.textContent = `grad ${grad.text}`;
    gradient.setAttribute("class", `gradient ${grad.none ? "none" : grad.complete ? "" : "partial"}`);
    group.classList.toggle("unknown", !known);
    const spoken =
      piece.kind === "constant" ? `constant ${piece.text}` : `${value.textContent}, ${gradient.textContent}`;
    group.setAttribute("aria-label", piece.operation ? `${spoken}, from ${piece.operation}` : spoken);
    group.setAttribute("aria-pressed", String(selected === i));
  }
  for (const { group } of [...drawing.nodes.values(), ...drawing.folds.values()]) {
    group.classList.remove("active", "touched", "selected");
    group.removeAttribute("aria-current");
  }
  for (const [name, group] of drawing.arrows) {
    group.classList.remove("active");
    group.classList.toggle("unknown", !isKnown(Number(name.split(" ")[0]), step));
  }

  const active = moment.piece;
  if (active !== null) {
    const shown = seenAs(active);
    const touched = moment.phase === "seed" ? [] : pieces[active].arrows;
    touched.forEach((arrow, place) => {
      if (moment.phase === "backward" && (!arrow.flows || pieces[arrow.operand].kind === "constant")) return;
      drawing.arrows.get(`${active} ${place}`)?.classList.add("active");
      seenAs(arrow.operand).group.classList.add("touched");
    });
    shown.group.classList.remove("touched");
    shown.group.classList.add("active");
    shown.group.setAttribute("aria-current", "step");
  }
  if (selected !== null) (drawing.nodes.get(selected) ?? drawing.folds.get(selected))?.group.classList.add("selected");

  scrub.max = last;
  scrub.value = step;
  scrub.setAttribute("aria-valuetext", `step ${step} of ${last}, ${phases[moment.phase]}: ${moment.heading}`);
  find("#phase").textContent = `${phases[moment.phase]} · step ${step} of ${last}`;
  find("#sentence").replaceChildren(
    element("h2", {}, moment.heading),
    ...moment.sentences.map((sentence) => element("p", {}, sentence)),
  );
  for (const control of document.querySelectorAll("[data-go]")) {
    const edge = control.dataset.go === "first" || control.dataset.go === "back" ? 0 : last;
    control.setAttribute("aria-disabled", String(step === edge));
  }
  follow(active);
  showPanel();
}

function goTo(wanted) {
  step = Math.max(0, Math.min(last, wanted));
  show();
}

/** Bring into view what has its turn, with its operands, if it is not there. */
function follow(active) {
  if (active === null) {
    const given = pieces.flatMap((piece, i) => (piece.kind === "input" ? seenAs(i).boxes : []));
    if (given.length) reveal(given, given.slice(0, 1));
    return;
  }
  const boxes = [active, ...pieces[active].arrows.map((arrow) => arrow.operand)].flatMap((i) => seenAs(i).boxes);
  reveal(boxes, seenAs(active).boxes);
}

function reveal(boxes, least) {
  const scale = view.firstChild.getBoundingClientRect().width / drawing.width;
  const room = [view.clientWidth / scale, view.clientHeight / scale];
  const all = around(boxes);
  const [x, y, w, h] = all[2] <= room[0] && all[3] <= room[1] ? all : around(least);
  const left = view.scrollLeft / scale;
  const top = view.scrollTop / scale;
  const margin = 12;
  const inside =
    x - margin >= left && x + w + margin <= left + room[0] && y - margin >= top && y + h + margin <= top + room[1];
  if (inside) return;
  view.scrollTo({
    left: (x + w / 2 - room[0] / 2) * scale,
    top: (y + h / 2 - room[1] / 2) * scale,
    behavior: calm.matches ? "auto" : "smooth",
  });
}

// ── zoom ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

const legible = 1; // so texts have 11 pixels
function currentZoom() {
  if (typeof zoom === "number") return zoom;
  const all = Math.min((view.clientWidth - 2) / drawing.width, (view.clientHeight - 2) / drawing.height);
  return Math.min(1.6, zoom === "all" || all > 0.85 * legible ? all : legible); // nearly that is better than to scroll
}

function applyZoom() {
  const scale = currentZoom();
  drawing.svg.setAttribute("width", drawing.width * scale);
  drawing.svg.setAttribute("height", drawing.height * scale);
}

function zoomBy(how) {
  const now = currentZoom();
  if (how === "fit") zoom = zoom === "all" ? "legible" : "all";
  else zoom = Math.max(0.2, Math.min(4, how === "in" ? now * 1.25 : now / 1.25));
  applyZoom();
  follow(moments[step].piece);
}

// ── playing ──────────────────────────────────────────────────────────────────────────────────────────────────────────

const playButton = find("#play");

function play(on) {
  clearInterval(timer);
  timer = null;
  if (on) {
    if (step === last) goTo(0);
    timer = setInterval(
      () => {
        goTo(step + 1);
        if (step === last) play(false);
      },
      Number(find("#seconds").value) * 1000,
    );
  }
  playButton.textContent = on ? "Pause" : "Play";
  find("#sentence").setAttribute("aria-live", on ? "off" : "polite"); // else it would never stop talking
}

const go = { first: () => goTo(0), back: () => goTo(step - 1), on: () => goTo(step + 1), last: () => goTo(last) };

function walk(how) {
  play(false);
  go[how]();
}

function jumpTo(wanted) {
  play(false);
  goTo(wanted);
}

// ── keys and buttons ─────────────────────────────────────────────────────────────────────────────────────────────────

const about = find("#about");

function foldHere() {
  const here = document.activeElement?.id?.match(/^n(\d+)$/)?.[1];
  const i = here ? Number(here) : typeof selected === "number" ? selected : moments[step].piece;
  if (i === null) return;
  const hidden = hiddenIn(i);
  if (hidden !== undefined) fold(hidden, false);
  else if (pieces[i].scope.length) fold(key(pieces[i].scope), true);
}

const keys = {
  ArrowRight: () => walk("on"),
  ArrowLeft: () => walk("back"),
  Home: () => walk("first"),
  End: () => walk("last"),
  " ": () => play(timer === null),
  "/": () => search.focus(),
  "?": () => about.showModal(),
  f: foldHere,
  "+": () => zoomBy("in"),
  "-": () => zoomBy("out"),
  0: () => zoomBy("fit"),
  Escape: () => select(null),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || about.open) return;
  const on = event.target;
  if (on === search || on.tagName === "SELECT") return; // they have uses of their own for keys
  if (event.key === " " && on.tagName === "BUTTON") return;
  if (!Object.hasOwn(keys, event.key)) return;
  event.preventDefault();
  keys[event.key]();
});

scrub.addEventListener("input", () => {
  play(false);
  goTo(Number(scrub.value));
});
playButton.addEventListener("click", () => play(timer === null));
find("#seconds").addEventListener("change", () => {
  if (timer !== null) play(true);
});
find("#help").addEventListener("click", () => about.showModal());
find("#close").addEventListener("click", () => about.close());
view.addEventListener("click", () => select(null));
for (const control of document.querySelectorAll("[data-go]"))
  control.addEventListener("click", () => walk(control.dataset.go));
for (const control of document.querySelectorAll("[data-zoom]"))
  control.addEventListener("click", () => zoomBy(control.dataset.zoom));
for (const control of document.querySelectorAll("[data-fold]")) {
  control.addEventListener("click", () => {
    folded.clear();
    if (control.dataset.fold === "all") for (const name of scopes.keys()) folded.add(name);
    if (typeof selected === "number" && hiddenIn(selected) !== undefined) selected = null;
    refold();
  });
}
addEventListener("resize", applyZoom);

// What is too much to be taken in at a glance begins with scopes folded, as few levels of them as will do.
const glance = 60;
const levels = Math.max(0, ...pieces.map((piece) => piece.scope.length));
for (let depth = levels; depth > 0; depth--) {
  const shown = new Set(pieces.map((_, i) => hiddenIn(i) ?? i));
  if (shown.size <= glance) break;
  folded.clear();
  for (const [name, scope] of scopes) if (scope.path.length === depth) folded.add(name);
}

find("#summary").textContent = summary();
find("#track .forward").style.flexGrow = seedAt;
find("#track .backward").style.flexGrow = last - seedAt;
draw();
showScopes();
show();

// Search.

const search = find("#search");
const hits = find("#hits");
let found = [];
let at = -1;

function look() {
  const wanted = search.value.trim().toLowerCase();
  const texts = (piece) => [piece.label, piece.name, piece.operation, piece.rule, piece.symbol, piece.scope.join("/")];
  const rank = (piece) =>
    piece.label.toLowerCase() === wanted ? 0 : piece.label.toLowerCase().startsWith(wanted) ? 1 : 2;
  found = wanted
    ? pieces
        .map((_, i) => i)
        .filter(
          (i) => pieces[i].kind !== "constant" && texts(pieces[i]).some((text) => text.toLowerCase().includes(wanted)),
        )
        .sort((a, b) => rank(pieces[a]) - rank(pieces[b]) || a - b)
    : [];
  at = found.length ? 0 : -1;
  for (const [i, { group }] of drawing.nodes) group.classList.toggle("found", found.includes(i));
  const options = found.slice(0, 50).map((i, place) =>
    element(
      "li",
      {
        role: "option",
        id: `hit${place}`,
        onpointerdown: (event) => {
          event.preventDefault();
          take(place);
        },
      },
      element("bdi", {}, pieces[i].name),
      element("span", { class: "none" }, pieces[i].operation ? ` ${pieces[i].operation}` : " input"),
    ),
  );
  hits.replaceChildren(
    ...(wanted && !found.length
      ? [element("li", { role: "option", "aria-disabled": "true" }, "nothing found")]
      : options),
  );
  hits.hidden = !wanted;
  search.setAttribute("aria-expanded", String(Boolean(wanted)));
  mark();
}

function mark() {
  [...hits.children].forEach((option, place) => option.setAttribute("aria-selected", String(place === at)));
  if (at < 0) search.removeAttribute("aria-activedescendant");
  else search.setAttribute("aria-activedescendant", `hit${at}`);
  hits.children[at]?.scrollIntoView({ block: "nearest" });
}

function take(place) {
  const i = found[place];
  search.value = "";
  look();
  if (i !== undefined) choose(i);
}

search.addEventListener("input", look);
search.addEventListener("blur", () => {
  hits.hidden = true;
});
search.addEventListener("keydown", (event) => {
  const count = hits.querySelectorAll("[id]").length;
  if (event.key === "ArrowDown" && count) at = (at + 1) % count;
  else if (event.key === "ArrowUp" && count) at = (at + count - 1) % count;
  else if (event.key === "Enter" && count) return take(at);
  else if (event.key === "Escape") {
    search.value = "";
    look();
    return search.blur();
  } else return undefined;
  event.preventDefault();
  return mark();
});

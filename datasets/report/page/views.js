// Which view is shown, and the keys.

let shown = 0;   // counts renders: a slower one must not overwrite a later one

async function render({keepFocus = false} = {}) {
  const {view, id, query} = address(), mine = ++shown, main = $("#main"), focused = document.activeElement?.id;
  const parts = await ({attempts: () => attemptsView(query), attempt: () => attemptView(id, query), task: () => taskView(id)}[view] ?? overview)();
  if (mine !== shown) return;
  main.replaceChildren(...parts);
  main.dataset.view = view;
  for (const entry of $$("header.top nav a")) entry.toggleAttribute("aria-current", entry.dataset.view === view || (entry.dataset.view === "attempts" && ["attempt", "task"].includes(view)));
  const again = keepFocus && focused ? document.getElementById(focused) : null;
  if (again) {
    again.focus({preventScroll: true});
    if (again.type === "search") again.setSelectionRange(again.value.length, again.value.length);
  } else if (!keepFocus) {
    scrollTo(0, 0);
  }
  main.dataset.ready = String(mine);
}

function follow(selector) {
  const target = $(selector);
  if (target?.href) location.hash = new URL(target.href).hash;
}

function stepBy(by) {
  const steps = $$("article.assistant"), at = steps.indexOf(document.activeElement);
  toStep(Math.max(0, Math.min(steps.length - 1, at < 0 ? (by > 0 ? 0 : steps.length - 1) : at + by)));
}

const KEYS = {
  "1": () => (location.hash = "#/"), "2": () => (location.hash = "#/attempts"), "?": () => $("#help").showModal(), e: unfold,
  j: () => follow("nav.crumbs a[rel=next]"), k: () => follow("nav.crumbs a[rel=prev]"), n: () => stepBy(1), p: () => stepBy(-1), c: () => $("#replay button")?.click(), Escape: () => follow("#back"),
  "/": async () => {
    if (!$("#search")) {
      location.hash = "#/attempts";
      await render();
    }
    $("#search").focus();
  },
};

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || $("#help").open) return;
  if (event.target.matches("input, select, textarea")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  const act = KEYS[event.key];
  if (!act) return;
  event.preventDefault();
  act();
}

// Print shows what is folded, and all rows.
function unfoldForPrint() {
  for (const button of $$("button.more")) button.drawAll?.();
  for (const fold of $$("main details:not([open])")) {
    fold.complete?.();
    fold.open = true;
    fold.dataset.printed = "";
  }
}
function foldAfterPrint() {
  for (const fold of $$("main details[data-printed]")) {
    fold.open = false;
    delete fold.dataset.printed;
  }
}

async function start() {
  if (typeof DecompressionStream === "undefined") return $("#main").replaceChildren(make("p.empty", {}, "This page needs a browser with DecompressionStream: Chrome 111, Firefox 115, Safari 16.4, or newer."));
  await openIndex();
  $("#subtitle").replaceChildren("from ", make("code", {}, inert(index.store)));
  $("#help-button").addEventListener("click", () => $("#help").showModal());
  addEventListener("hashchange", () => render());
  addEventListener("keydown", onKey);
  addEventListener("beforeprint", unfoldForPrint);
  addEventListener("afterprint", foldAfterPrint);
  await render();
}

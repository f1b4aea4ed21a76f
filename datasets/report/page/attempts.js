// Every attempt: a grid of tasks and policies, or a list; search and filters, which the address holds.

const ROWS = 250;   // drawn at once; more when the end comes into view
const taskName = (task) => `${index.domains[index.task.domain[task]]} · ${index.archetypes[index.task.archetype[task]]}`;
const shortId = (id) => id.slice(0, 10);

let listed = [];    // the places that the filters left the last time

async function attemptsView(query) {
  listed = await selected(query);
  const results = make("div#results");
  results.id = "results";
  results.append(query.get("show") === "list" ? list(listed, query) : grid(listed, query));
  const tasks = new Set(listed.map((place) => index.attempt.task[place])).size;
  const total = make("p.total", {id: "total", role: "status"}, `${plural(listed.length, "attempt")} of ${whole(attempts)}, at ${plural(tasks, "task")}`);
  return [filters(query), total, results];
}

function go(query) {
  history.replaceState(null, "", link("attempts", query));
  render({keepFocus: true});
}

function filters(query) {
  const change = (name, value) => {
    const next = new URLSearchParams(query);
    if (value) next.set(name, value);
    else next.delete(name);
    go(next);
  };
  let waiting = 0;
  const search = make("input", {type: "search", id: "search", placeholder: "Search ids, domains, policies, checks…", "aria-label": "Search", autocomplete: "off", spellcheck: "false", value: query.get("q") ?? "",
    oninput: (event) => {
      clearTimeout(waiting);
      waiting = setTimeout(() => change("q", event.target.value.toWellFormed?.() ?? event.target.value), 150);
    }});
  const deep = make("input", {type: "checkbox", id: "deep", onchange: (event) => change("deep", event.target.checked ? "1" : "")});
  deep.checked = query.has("deep");
  const choices = {policy: index.policies, domain: index.domains, archetype: index.archetypes, difficulty: [...new Set(index.task.difficulty)].sort((a, b) => a - b).map(String), outcome: index.outcomes, stop: index.stops, kind: index.kinds};
  const names = {kind: "failed check", stop: "stopped by"};
  const select = (name) => {
    const at = query.get(name), element = make("select", {id: "filter-" + name, "data-filter": name, onchange: (event) => change(name, event.target.value)}, make("option", {value: ""}, "any"),
      choices[name].map((value) => {
        const option = make("option", {value}, (name === "outcome" ? value.replace("_", " ") : value) || "(none)");
        option.selected = value === at;
        return option;
      }));
    return make("label", {}, make("span", {}, names[name] ?? name), element);
  };
  const shows = (name, text) => make("button", {type: "button", "aria-pressed": String((query.get("show") ?? "grid") === name), onclick: () => change("show", name === "grid" ? "" : name)}, text);
  return make("form.filters", {role: "search", "aria-label": "Filters", onsubmit: (event) => event.preventDefault()},
    make("div.search", {}, search, make("label.check", {}, deep, make("span", {}, "in messages, too")), make("span.toggle", {role: "group", "aria-label": "Show as"}, shows("grid", "Grid"), shows("list", "List"))),
    make("details.narrow", {open: matchMedia("(min-width: 40rem)").matches || FILTERS.some((name) => query.has(name))}, make("summary", {}, "Filters"), make("div.selects", {}, FILTERS.filter((name) => choices[name].length > 1 || query.has(name)).map(select),
      [...query.keys()].some((name) => name !== "show") && make("button.clear", {type: "button", onclick: () => go(new URLSearchParams(query.has("show") ? [["show", query.get("show")]] : []))}, "Clear"))));
}

// Draws `count` rows with `row`, ROWS at a time.
function growing(body, count, row, noun) {
  let drawnRows = 0;
  const button = make("button.more", {type: "button", onclick: () => draw_more(count)});
  const draw_more = (until) => {
    const rows = [];
    for (; drawnRows < Math.min(count, until); ++drawnRows) rows.push(row(drawnRows));
    body.append(...rows);
    button.textContent = `Show all ${whole(count)} ${noun}`;
    button.hidden = drawnRows >= count;
  };
  draw_more(ROWS);
  new IntersectionObserver((seen) => seen.some((each) => each.isIntersecting) && draw_more(drawnRows + ROWS), {rootMargin: "600px"}).observe(button);
  button.drawAll = () => draw_more(count);
  return button;
}

const kindsText = (place) => index.attempt.kinds[place].map((kind) => index.kinds[kind]).join(", ");
const attemptText = (place) => `${OUTCOMES[index.attempt.outcome[place]]}, ${index.policies[index.attempt.policy[place]]}, seed ${index.attempt.seed[place]}, sample ${index.attempt.sample[place]}${index.attempt.kinds[place].length ? ", " + kindsText(place) : ""}`;

function grid(places, query) {
  if (!places.length) return make("p.empty", {}, "No attempt fits. Clear a filter, or search for less.");
  const {attempt, task} = index;
  // A column for each attempt of the task that a policy attempted most often; its attempts stand in the order of seed and sample.
  const slot = [], widths = index.policies.map(() => 0), seen = new Map();
  for (let place = 0; place < attempts; ++place) {
    const key = attempt.policy[place] * task.id.length + attempt.task[place], at = seen.get(key) ?? 0;
    slot[place] = at;
    seen.set(key, at + 1);
    widths[attempt.policy[place]] = Math.max(widths[attempt.policy[place]], at + 1);
  }
  const used = new Set(places.map((place) => attempt.policy[place])), columns = [...used].sort((a, b) => a - b);
  const rows = new Map();
  for (const place of places) {
    if (!rows.has(attempt.task[place])) rows.set(attempt.task[place], new Map());
    rows.get(attempt.task[place]).set(`${attempt.policy[place]} ${slot[place]}`, place);
  }
  const tasks = [...rows.keys()].sort((a, b) => a - b);
  const told = make("p.told", {"aria-hidden": "true"}, "Choose an attempt with the pointer or the arrow keys.");
  const tell = (event) => {
    const cell = event.target.closest("a.cell");
    if (cell) told.replaceChildren(make("b", {}, taskName(attempt.task[cell.place])), ` ${levelText(task.difficulty[attempt.task[cell.place]])} — `, ...inert(attemptText(cell.place)));
  };
  const body = make("tbody");
  const row = (number) => {
    const cells = rows.get(tasks[number]), at = tasks[number];
    let passed = 0;
    const line = make("tr", {}, make("th.task", {scope: "row"}, make("a", {href: link("task/" + task.id[at])}, make("span.what", {}, inert(taskName(at))), make("span.level", {}, String(task.difficulty[at] || "–")), make("code", {}, shortId(task.id[at])))));
    for (const policy of columns)
      for (let column = 0; column < widths[policy]; ++column) {
        const place = cells.get(`${policy} ${column}`), cell = make(column ? "td" : "td.first");
        if (place !== undefined) {
          passed += attempt.outcome[place] === 0;
          const box = make(`a.cell.o${attempt.outcome[place]}`, {href: link("attempt/" + attempt.id[place], query), tabindex: "-1", "aria-label": attemptText(place)});
          box.place = place;
          cell.append(box);
        }
        line.append(cell);
      }
    line.append(make("td.share", {}, `${passed}/${cells.size}`));
    return line;
  };
  const more = growing(body, tasks.length, row, "tasks");
  const head = make("thead", {}, make("tr", {}, make("th.task", {scope: "col"}, "task"), columns.map((policy) => make("th.policy", {scope: "colgroup", colspan: String(widths[policy])}, make("span", {}, inert(index.policies[policy])))), make("th.share", {scope: "col"}, "passed")));
  const whole_table = make("table.grid", {"aria-label": "Attempts: a row for each task, a column for each attempt; arrow keys move", onkeydown: moveInGrid, onpointerover: tell, onfocusin: (event) => {
    tell(event);
    const cell = event.target.closest("a.cell");
    if (!cell) return;
    for (const other of $$("a.cell[tabindex='0']", whole_table)) other.tabIndex = -1;
    cell.tabIndex = 0;
  }}, head, body);
  const first = $("a.cell", body);
  if (first) first.tabIndex = 0;
  return make("section.card.wide", {"aria-label": "Grid"}, make("div.key", {"aria-hidden": "true"}, OUTCOMES.map((name, at) => make("span", {}, make(`i.cell.o${at}`), name))), told, make("div.scroll", {}, whole_table), more);
}

function moveInGrid(event) {
  const cell = event.target.closest("a.cell");
  if (!cell || event.ctrlKey || event.metaKey || event.altKey) return;
  const here = cell.parentElement, row = here.parentElement, inRow = $$("a.cell", row);
  const column = (line) => $("a.cell", line.cells[here.cellIndex]) ?? null;
  const along = (step) => {
    for (let line = step(row); line; line = step(line)) if (column(line)) return column(line);
    return null;
  };
  const next = {ArrowRight: () => inRow[inRow.indexOf(cell) + 1], ArrowLeft: () => inRow[inRow.indexOf(cell) - 1], Home: () => inRow[0], End: () => inRow.at(-1),
    ArrowDown: () => along((line) => line.nextElementSibling), ArrowUp: () => along((line) => line.previousElementSibling)}[event.key];
  if (!next) return;
  event.preventDefault();
  next()?.focus();
}

function list(places, query) {
  if (!places.length) return make("p.empty", {}, "No attempt fits. Clear a filter, or search for less.");
  const {attempt, task} = index, body = make("tbody");
  const row = (number) => {
    const place = places[number], at = attempt.task[place];
    return make("tr", {}, make("th", {scope: "row"}, make("a", {href: link("attempt/" + attempt.id[place], query)}, make("code", {}, shortId(attempt.id[place])))), make("td", {}, badge(attempt.outcome[place])),
      make("td", {}, inert(index.policies[attempt.policy[place]])), make("td", {}, inert(taskName(at))), make("td.number", {}, String(task.difficulty[at] || "–")), make("td", {}, inert(index.stops[attempt.stop[place]])), make("td.kinds", {}, inert(kindsText(place))),
      make("td.number", {}, whole(attempt.steps[place])), make("td.number", {}, whole(attempt.calls[place])), make("td.number", {}, attempt.completion_tokens[place] ? short(attempt.completion_tokens[place]) : "–"), make("td.number", {}, duration(attempt.policy_us[place])), make("td.number", {}, duration(attempt.tool_us[place])));
  };
  const more = growing(body, places.length, row, "attempts");
  const head = ["attempt", "outcome", "policy", "task", "difficulty", "stopped by", "failed", "steps", "calls", "tokens written", "policy", "tools"], numbers = new Set([4, 7, 8, 9, 10, 11]);
  return make("section.card.wide", {"aria-label": "List"}, make("div.scroll", {}, make("table.figures.list", {"aria-label": "Attempts"}, make("thead", {}, make("tr", {}, head.map((text, at) => make(numbers.has(at) ? "th.number" : "th", {scope: "col"}, text)))), body)), more);
}

// ---- One task ----

async function taskView(id) {
  const at = placeOf(index.task.id, id);
  if (at === undefined) return [make("p.empty", {}, "This file has no task ", make("code", {}, id), ".")];
  const {task, attempt} = index, places = [];
  for (let place = 0; place < attempts; ++place) if (attempt.task[place] === at) places.push(place);
  listed = places;
  const band = task.bands[task.band[at]], asked = (measure, text) => (band[measure] ? ` (asked for: ${text(band[measure][0])} to ${text(band[measure][1])})` : "");
  const whole_one = places.find((place) => attempt.record[place] >= 0);
  const opened = whole_one === undefined ? null : await trajectory(whole_one);
  const prompt = opened?.record.messages.find(({role}) => role === "user");
  return [make("nav.crumbs", {"aria-label": "Where this is"}, make("a", {href: "#/attempts"}, "Attempts"), " / ", make("span", {}, "task ", make("code", {}, shortId(id)))),
    make("section.card.wide", {"aria-label": "Task"}, make("h2", {}, inert(taskName(at)), ", ", levelText(task.difficulty[at])), make("dl.facts", {},
      fact("certificate", ["none", "unsound", "sound"][task.state[at]]), fact("chance rate", measured(task.chance[at], percent) + asked("chance", percent)), fact("calls of the gold", measured(task.calls[at], whole) + asked("calls", String)),
      fact("in the terminal", command(`assay show task ${id} --store ${shell(index.store)}`))),
      prompt ? [make("h3", {}, "Prompt"), make("pre.text", {}, inert(opened.text(prompt.text)))] : make("p.note", {}, "No trajectory of this task is in this file, so its prompt is not either.")),
    grid(places, new URLSearchParams())];
}

const fact = (name, ...value) => make("div", {}, make("dt", {}, name), make("dd", {}, value));

function command(text) {
  return make("span.command", {}, make("code", {}, inert(text)), make("button.copy", {type: "button", onclick: (event) => copy(text, event.target)}, "Copy"));
}

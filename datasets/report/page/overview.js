// The first view: how good, how hard, what was lost, how fast.

const card = (title, note, ...children) => make("section.card", {"aria-label": title}, make("h2", {}, title), note && make("p.note", {}, note), children);
const interval = ({mean, low, high}) => `${percent(mean)} (${percent(low)}–${percent(high)})`;

function overview() {
  const {figures} = index;
  return [tiles(figures), make("div.cards", {}, make("div", {}, passCard(figures), calibrationCard()), make("div", {}, difficultyCard(figures), endsCard(figures), funnelCard(figures))), speedCard(figures), leftOut(figures)];
}

function tiles({tasks, attempts: all, outcomes, throughput}) {
  const sum = (name) => throughput.reduce((total, row) => total + row[name], 0);
  const tile = (value, name) => make("li", {}, make("strong", {}, value), make("span", {}, name));
  const judged = outcomes.passed + outcomes.failed + outcomes.timed_out;
  return make("ul.tiles", {"aria-label": "In short"}, tile(whole(tasks), tasks === 1 ? "task" : "tasks"), tile(whole(all), all === 1 ? "attempt" : "attempts"),
    tile(judged ? percent(outcomes.passed / judged) : "–", "of verdicts passed"), tile(short(sum("calls")), "tool calls"),
    tile(short(sum("prompt_tokens") + sum("completion_tokens")), "tokens reported"), tile(duration(sum("wall_us")), "of attempts"));
}

function legend(names) {
  return make("ul.legend", {}, names.map((name, number) => make("li", {}, svg(18, 12, draw("path", {class: `line s${number % SERIES} ${number >= SERIES / 2 ? "dashed" : ""}`, d: "M0 6H18"}), mark(number, 9, 6)), make("span", {}, inert(name)))));
}

// Those that are drawn: the best, where there are more than can be told apart.
function drawn(pass) {
  const scored = pass.filter(({at}) => at.length);
  return scored.length <= SERIES ? scored : scored.toSorted((a, b) => b.at[0].any.mean - a.at[0].any.mean).slice(0, SERIES);
}
const undrawn = (pass, shown) => (pass.length > shown.length ? make("p.note", {}, `${shown.length} of ${pass.length} policies are drawn; the table has all.`) : null);

function passCard({pass, interval: kind}) {
  const shown = drawn(pass), ks = [...new Set(shown.flatMap(({at}) => at.map(({k}) => k)))].sort((a, b) => a - b);
  const ticks = ks.filter((k) => Number.isInteger(Math.log2(k)) || k === ks.at(-1)).map((k) => [Math.log2(k), String(k)]);
  const rows = pass.flatMap(({policy, at}) => at.map(({k, tasks, any, all}) => [policy, String(k), whole(tasks), interval(any), interval(all)]));
  const one = ks.length <= 1;
  return card("pass@k", "The chance that at least one of k attempts passes: the unbiased estimate 1 − C(n−c, k) / C(n, k), as a mean over tasks.",
    shown.length === 0 ? make("p", {}, "No attempt has a verdict.") : [
      chart("pass@k by policy; the table below has the numbers", (width) => lineChart(width, {title: "k attempts", band: !one,
        ticks: ticks.length ? ticks : [[0, "1"]],
        series: shown.map(({policy, at}) => ({name: policy, points: at.map(({k, any}) => ({x: Math.log2(k), y: any.mean, low: any.low, high: any.high}))}))})),
      legend(shown.map(({policy}) => policy)), undrawn(pass, shown)],
    make("p.note", {}, `Areas and brackets: ${kind}. Attempts without a verdict are left out; attempts whose time was over did not pass.`),
    folded("As a table, with pass^k (all of k pass)", table("pass@k and pass^k", ["policy", "k", "tasks", "pass@k", "pass^k"], rows)));
}

function difficultyCard({pass}) {
  const shown = drawn(pass), levels = [...new Set(pass.flatMap((row) => row.by_difficulty.map(({difficulty}) => difficulty)))].sort((a, b) => a - b);
  const rows = pass.flatMap(({policy, by_difficulty}) => by_difficulty.map((row) => [policy, row.difficulty ? String(row.difficulty) : "–", whole(row.tasks), whole(row.attempts), interval(row)]));
  return card("Pass rate by difficulty", "One attempt at a task of each level: measured difficulty beside the one that was asked for.",
    shown.length === 0 ? null : [
      chart("pass rate by difficulty and policy; the table below has the numbers", (width) => lineChart(width, {title: "difficulty asked for", ticks: levels.map((level, at) => [at, level ? String(level) : "none"]),
        series: shown.map(({policy, by_difficulty}) => ({name: policy, points: by_difficulty.map((row) => ({x: levels.indexOf(row.difficulty), y: row.mean, low: row.low, high: row.high}))}))})),
      legend(shown.map(({policy}) => policy)), undrawn(pass, shown)],
    make("p.note", {}, "Brackets: the same 95% intervals."),
    folded("As a table", table("Pass rate by difficulty", ["policy", "difficulty", "tasks", "attempts", "pass@1"], rows)));
}

// ---- Requested against measured ----

const CHANCE_FLOOR = 0.5e-4;   // where "none of 10,000" is drawn
const chanceScale = {ticks: [[CHANCE_FLOOR, "0"], [1e-4, "0.01%"], [1e-3, "0.1%"], [1e-2, "1%"], [1e-1, "10%"], [1, "100%"]],
  place: (value) => Math.log10(Math.max(value, CHANCE_FLOOR) / CHANCE_FLOOR) / Math.log10(1 / CHANCE_FLOOR)};
function callsScale(most) {
  const top = Math.log2(Math.max(4, most) + 1);
  return {ticks: [1, 3, 10, 30, 100, 300, 1000].filter((calls) => calls <= most * 1.2).map((calls) => [calls, String(calls)]), place: (value) => Math.min(1, Math.log2(Math.max(0, value) + 1) / top)};
}

function calibrationCard() {
  const {task} = index;
  const kinds = [...new Set(task.domain.map((domain, at) => `${task.archetype[at]}/${domain}`))];
  const choose = make("select", {"aria-label": "Domain and archetype", onchange: () => show()}, make("option", {value: ""}, "all domains"),
    kinds.length > 1 && kinds.map((kind) => {
      const [archetype, domain] = kind.split("/");
      return make("option", {value: kind}, `${index.domains[domain]}, ${index.archetypes[archetype]}`);
    }));
  const holder = make("div");
  function show() {
    const places = task.id.map((_, at) => at).filter((at) => !choose.value || `${task.archetype[at]}/${task.domain[at]}` === choose.value);
    holder.replaceChildren(...calibration(places));
  }
  show();
  return card("Difficulty asked for and measured", "Each level asks for a band (the shaded area) and each task's certificate says what was measured (a heap of tasks).", kinds.length > 1 && choose, holder);
}

function calibration(places) {
  const {task} = index, bandsOf = (at) => task.bands[task.band[at]];
  const known = places.filter((at) => task.in_band[at]), levels = [...new Set(known.map((at) => task.difficulty[at]))].sort();
  const inside = (these) => these.filter((at) => task.in_band[at] === 2).length;
  // Where a chance is asked for, it is what the level is about; elsewhere the calls are.
  const byChance = known.filter((at) => bandsOf(at).chance), byCalls = known.filter((at) => !bandsOf(at).chance);
  const part = (measure, these, value, scale, title) => {
    if (!these.length) return null;
    const rows = levels.map((level) => these.filter((at) => task.difficulty[at] === level)).filter((at) => at.length).map((at) => ({
      name: String(task.difficulty[at[0]]), bands: [...new Set(at.map((each) => task.band[each]))].map((band) => task.bands[band][measure]),
      values: at.map((each) => ({value: value[each], inside: task.in_band[each] === 2}))}));
    return chart(title, (width) => bandChart(width, {rows, scale, title}));
  };
  const rows = levels.map((level) => {
    const these = known.filter((at) => task.difficulty[at] === level);
    return [String(level), whole(these.length), whole(inside(these)), percent(inside(these) / these.length)];
  });
  const without = places.filter((at) => task.state[at] && !task.in_band[at]).length;
  return [
    known.length ? make("p.headline", {}, make("strong", {}, percent(inside(known) / known.length)), ` of ${plural(known.length, "certified task")} lie in the band they were made for`) : make("p", {}, "No task here has a band that the store knows."),
    part("chance", byChance, task.chance, chanceScale, "how often a consistent random chooser passes"),
    part("calls", byCalls, task.calls, callsScale(byCalls.reduce((most, at) => Math.max(most, task.calls[at]), 0)), "tool calls of the gold"),
    known.length ? folded("As a table", table("Tasks in their band", ["difficulty", "tasks", "in the band", "share"], rows)) : null,
    without ? make("p.note", {}, `${plural(without, "certified task has", "certified tasks have")} no band that the store states (a fixed preset, a mined change, or a level that its domain leaves to the program) and ${without === 1 ? "is" : "are"} not drawn.`) : null,
  ].filter(Boolean);
}

// ---- Losses, ends, speed ----

const sorted = (counts) => Object.entries(counts).sort(([, a], [, b]) => b - a);
const filterLink = (name, value) => link("attempts", new URLSearchParams([[name, value]]));

function funnelCard({funnel}) {
  const {candidates, tasks, mined} = funnel;
  const lost = Object.values(candidates.lost).reduce((a, b) => a + b, 0), drawnCount = candidates.certified + lost;
  const minedCount = Object.values(mined).reduce((a, b) => a + b, 0), all = tasks.sound + tasks.unsound + tasks.uncertified;
  const stage = (title, items, total) => [make("h3", {}, title), bars(items, total)];
  return card("From candidates to certified tasks", "Every candidate is certified or lost for exactly one reason.",
    drawnCount ? stage(`${plural(drawnCount, "candidate")} drawn by the search`, [{name: "certified", count: candidates.certified, kind: "good"}, ...sorted(candidates.lost).map(([name, count]) => ({name: name.replaceAll("_", " "), count}))], drawnCount)
      : make("p.note", {}, "The store has no count of candidates (it was made before they were kept)."),
    minedCount ? stage(`${plural(minedCount, "mined change")}`, sorted(mined).map(([name, count]) => ({name: name.replaceAll("_", " "), count, kind: name === "certified" ? "good" : ""})), minedCount) : null,
    stage(plural(all, "task") + " here", [{name: "certified as sound", count: tasks.sound, kind: "good"}, ...(tasks.unsound ? [{name: "certified as unsound", count: tasks.unsound, kind: "bad"}] : []), ...sorted(tasks.problems).map(([name, count]) => ({name, count})),
      ...(tasks.uncertified ? [{name: "without a certificate", count: tasks.uncertified}] : []), ...(tasks.attacked ? [{name: "scored at by an attack", count: tasks.attacked, kind: "bad"}] : [])], all),
    make("p.note", {}, "Candidates are those of every run of synth on this store; what was lost is drawn again, and counted again, by a run that is repeated."));
}

function endsCard({outcomes, funnel, attempts: all}) {
  return card("How attempts end", "Each attempt has one outcome and one stop; a failed one may have failed several checks. Choose one to see its attempts.",
    make("h3", {}, "Outcome"), bars(index.outcomes.map((name, at) => ({name: OUTCOMES[at], count: outcomes[name], kind: "o" + at, href: filterLink("outcome", name)})), all),
    make("h3", {}, "Stopped by"), bars(sorted(funnel.stops).map(([name, count]) => ({name: name || "(broke before it stopped)", count, href: filterLink("stop", name)})), all),
    Object.keys(funnel.kinds).length ? [make("h3", {}, "Failed checks and broken boundaries"), bars(sorted(funnel.kinds).map(([name, count]) => ({name, count, href: filterLink("kind", name)})), all)] : null);
}

function speedCard({throughput, runs}) {
  const rows = throughput.map((row) => {
    const each = (value) => (value / row.attempts).toFixed(1), time = row.policy_us + row.tool_us, tokens = row.prompt_tokens + row.completion_tokens;
    const split = make("span.split", {role: "img", "aria-label": `policy ${duration(row.policy_us)}, tools ${duration(row.tool_us)}`}, make("span.policy"), make("span.tool"));
    split.firstChild.style.flexGrow = time ? row.policy_us / time : 0;
    split.lastChild.style.flexGrow = time ? row.tool_us / time : 0;
    return [row.policy, whole(row.attempts), each(row.steps), each(row.calls), row.calls ? percent(row.failed_calls / row.calls) : "–", tokens ? short(row.prompt_tokens) : "–", tokens ? short(row.completion_tokens) : "–",
      tokens && row.policy_us ? short(row.completion_tokens / (row.policy_us / 1e6)) : "–", duration(row.policy_us), duration(row.tool_us), split, duration(row.wall_us_median), duration(row.wall_us_p95)];
  });
  const last = runs.at(-1);
  return make("section.card.wide", {"aria-label": "Throughput"}, make("h2", {}, "Throughput"), make("p.note", {}, "Sums over attempts, which may have run side by side; tokens as policies report them."),
    table("Throughput by policy", ["policy", "attempts", "steps each", "calls each", "calls that failed", "prompt tokens", "written", "written a second", "in the policy", "in tools", "policy | tools", "median", "95th percentile"], rows),
    last && last.seconds > 0 ? make("p.note", {}, `The last run of rollout played ${whole(last.rollouts)} attempts in ${duration(last.seconds * 1e6)} on ${plural(last.jobs, "thread")}: ${short(last.rollouts / last.seconds)} a second.`) : null);
}

function leftOut({trajectories, attempts: all}) {
  const text = trajectories === all ? `All ${whole(all)} trajectories are in this file.`
    : `${whole(trajectories)} of ${whole(all)} trajectories are in this file: failures before successes, each task's first before any task's second, until its size was reached. Figures and grid are of all attempts. assay report --megabytes raises the bound.`;
  return make("p.left-out", {}, text);
}

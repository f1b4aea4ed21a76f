// One attempt, from the prompt to the verdict.

const CUT = 20000;   // characters of one text that are shown before one asks for more

async function attemptView(id, query) {
  const place = placeOf(index.attempt.id, id);
  if (place === undefined) return [make("p.empty", {}, "This file has no attempt ", make("code", {}, id), ".")];
  if (!listed.includes(place)) listed = await selected(query);
  const opened = await trajectory(place);
  const {attempt} = index, at = attempt.task[place];
  const head = make("section.card.wide.head", {"aria-label": "Attempt"},
    make("h2", {}, badge(attempt.outcome[place]), " ", make("span", {}, inert(taskName(at)), ", ", levelText(index.task.difficulty[at]))),
    make("p.by", {}, "by ", make("b", {}, inert(index.policies[attempt.policy[place]])), `, seed ${attempt.seed[place]}, sample ${attempt.sample[place]}, stopped by `, make("b", {}, inert(index.stops[attempt.stop[place]] || "a failure"))),
    facts(place, opened), commands(place));
  const parts = [neighbours(place, query), head];
  if (!opened) return [...parts, make("p.empty", {}, "This trajectory did not fit in the file; its figures did. The command above shows it in a terminal.")];
  parts.push(verdict(opened), tests(opened), left(opened), timeline(opened), conversation(opened));
  return parts.filter(Boolean);
}

function neighbours(place, query) {
  const at = listed.indexOf(place), {attempt} = index;
  const step = (to, text, rel) => (listed[to] === undefined ? make("span.off", {}, text) : make("a", {href: link("attempt/" + attempt.id[listed[to]], query), rel}, text));
  return make("nav.crumbs", {"aria-label": "Where this is"}, make("a", {href: link("attempts", query), id: "back"}, "Attempts"), " / ", make("a", {href: link("task/" + index.task.id[attempt.task[place]])}, "task"), " / ", make("code", {}, attempt.id[place]),
    make("span.steps", {}, step(at - 1, "← previous", "prev"), ` ${whole(at + 1)} of ${whole(listed.length)} `, step(at + 1, "next →", "next")));
}

function facts(place, opened) {
  const {attempt} = index, tokens = attempt.prompt_tokens[place] + attempt.completion_tokens[place];
  return make("dl.facts", {}, fact("steps", whole(attempt.steps[place])), fact("tool calls", whole(attempt.calls[place]) + (attempt.failed_calls[place] ? `, ${whole(attempt.failed_calls[place])} failed` : "")),
    fact("tokens", tokens ? `${whole(attempt.prompt_tokens[place])} of prompt, ${whole(attempt.completion_tokens[place])} written` : "not reported"), fact("in the policy", duration(attempt.policy_us[place])), fact("in tools", duration(attempt.tool_us[place])),
    opened?.record.verifier ? fact("verifier", make("span", {}, inert(opened.record.verifier))) : null);
}

// Replayed is the attempt of the smallest seed with this sample, so no other gets the command.
function commands(place) {
  const {attempt} = index, policy = index.policies[attempt.policy[place]], store = ` --store ${shell(index.store)}`;
  const smaller = attempt.id.some((_, other) => attempt.task[other] === attempt.task[place] && attempt.policy[other] === attempt.policy[place] && attempt.sample[other] === attempt.sample[place] && BigInt(attempt.seed[other]) < BigInt(attempt.seed[place]));
  const replay = `assay rollout --policy replay:store --from ${shell(policy)} --task ${index.task.id[attempt.task[place]]} --group ${attempt.sample[place] + 1}${store}`;
  const shown = `assay show rollout ${attempt.id[place]} --full${store}`;
  const replayed = command(replay);
  replayed.id = "replay";
  return make("div.commands", {}, smaller ? make("p.note", {}, "A replay takes the smallest seed of this sample, which is another attempt.") : make("p", {}, make("span.name", {}, "replay"), replayed), make("p", {}, make("span.name", {}, "show"), command(shown)));
}

function verdict({record, text}) {
  if (record.failure) {
    const [boundary, what, where, hint] = record.failure;
    return make("section.card.wide.broken", {"aria-label": "Failure"}, make("h2", {}, "Broke at: ", inert(boundary)), make("p", {}, inert(what)), where && make("p", {}, make("b", {}, "where "), inert(where)), hint && make("p", {}, make("b", {}, "try "), inert(hint)));
  }
  const failed = record.checks.filter(([, passed]) => !passed), passed = record.checks.filter(([, ok]) => ok);
  const line = ([name, ok, evidence]) => make(ok ? "li.good" : "li.bad", {}, make("span.sign", {"aria-hidden": "true"}, ok ? "✓" : "✗"), make("span.visually-hidden", {}, ok ? "passed: " : "failed: "), make("code", {}, inert(name)), text(evidence) ? make("span.evidence", {}, inert(text(evidence))) : null);
  return make("section.card.wide", {"aria-label": "Checks"}, make("h2", {}, `Checks: ${failed.length ? `${failed.length} of ${record.checks.length} failed` : `all ${record.checks.length} passed`}`),
    failed.length ? make("ul.checks", {}, failed.map(line)) : null, passed.length ? (failed.length ? folded(`${passed.length} passed`, make("ul.checks", {}, passed.map(line))) : make("ul.checks", {}, passed.map(line))) : null);
}

function tests({record}) {
  if (!record.tests) return null;
  const quiet = ([, must, outcome]) => must === "pass_to_pass" && outcome === "passed", kept = record.tests.filter(quiet);
  const listed = (label, lines) => table(label, ["test", "must", "outcome"], lines.map(([id, must, outcome]) => [id, must.replaceAll("_", " "),
    make(`span.${outcome === "passed" ? "good" : outcome ? "bad" : "off"}`, {}, outcome || "not named")]), 3);
  return make("section.card.wide", {"aria-label": "Tests"}, make("h2", {}, "Tests"), listed("Tests", record.tests.filter((line) => !quiet(line))),
    kept.length ? make("details", {}, make("summary", {}, `${whole(kept.length)} that passed before pass still`), listed("Tests that pass still", kept)) : null);
}

// What the attempt left behind.
function left({record, text}) {
  const parts = [];
  if (record.patch !== undefined) parts.push(make("h2", {}, "Final diff"), text(record.patch) ? diff(text(record.patch)) : make("p.note", {}, "Nothing was changed."));
  if (record.change !== undefined && text(record.change) !== "{}") parts.push(make("h2", {}, "What was changed"), long(indented(text(record.change))));
  if (record.answer !== undefined && text(record.answer)) parts.push(make("h2", {}, "Answer"), long(indented(text(record.answer))));
  return parts.length ? make("section.card.wide.left-behind", {"aria-label": "What was left behind"}, parts) : null;
}

function diff(patch) {
  const kind = (line) => (/^(diff |index |--- |\+\+\+ )/.test(line) ? "file" : line.startsWith("@@") ? "hunk" : line.startsWith("+") ? "plus" : line.startsWith("-") ? "minus" : "same");
  const lines = patch.split("\n"), pre = make("pre.diff", {tabindex: "0"});
  const show = (from, to) => pre.append(...lines.slice(from, to).map((line) => make(`span.${kind(line)}`, {}, inert(line), "\n")));
  show(0, 2000);
  const more = lines.length > 2000 && make("button.more", {type: "button", onclick: () => (show(2000), more.remove())}, `Show all ${whole(lines.length)} lines`);
  return make("div", {}, pre, more);
}

// JSON with its members on lines of their own, every token as it was written; anything else as it is.
function indented(text) {
  if (!/^\s*[[{]/.test(text) || text.length > 200000) return text;
  try {
    JSON.parse(text);
  } catch {
    return text;
  }
  const tokens = text.match(/"(?:[^"\\]|\\.)*"|[[\]{},:]|[^\s"[\]{},:]+/g);
  let out = "", depth = 0;
  const line = () => "\n" + "  ".repeat(depth);
  tokens.forEach((token, at) => {
    const empty = "]}".includes(tokens[at + 1]);
    if (token === "[" || token === "{") out += empty ? token : (++depth, token + line());
    else if (token === "]" || token === "}") out += "[{".includes(tokens[at - 1]) ? token : (--depth, line() + token);
    else out += token === "," ? "," + line() : token === ":" ? ": " : token;
  });
  return out;
}

function long(text) {
  const pre = make("pre.text", {}, inert(text.slice(0, CUT)));
  if (text.length <= CUT) return pre;
  const more = make("button.more", {type: "button", onclick: () => (pre.replaceChildren(...inert(text)), more.remove())}, `Show all ${whole(text.length)} characters`);
  return make("div", {}, pre, more);
}

// ---- The conversation ----

// The assistant's messages are the steps.
function timeline({record}) {
  const {times} = record;
  if (times.length < 2) return null;
  const most = Math.max(1, ...times.map(([policy, tool]) => policy + tool));
  return make("section.card.wide.timeline", {"aria-label": "Time of each step"}, make("h2", {}, "Time of each step"), make("ol", {}, times.map(([policy, tool], step) => {
    const bar = (kind, us) => {
      const part = make("span." + kind);
      part.style.height = `${(60 * us) / most}px`;
      return part;
    };
    return make("li", {}, make("button", {type: "button", title: `step ${step + 1}: policy ${duration(policy)}, tools ${duration(tool)}`, "aria-label": `step ${step + 1}: policy ${duration(policy)}, tools ${duration(tool)}`, onclick: () => toStep(step)}, bar("tool", tool), bar("policy", policy)));
  })), make("p.key", {}, make("i.policy"), "policy", make("i.tool"), "tools"));
}

function toStep(step) {
  const element = $$("article.assistant")[step];
  element?.scrollIntoView({block: "start"});
  element?.focus({preventScroll: true});
}

function conversation(opened) {
  const {record, text} = opened;
  let step = 0;
  const resets = new Map((record.resets ?? []).map(([message, from, tokens]) => [message, {from, tokens}]));
  const parts = record.messages.map((message, at) => {
    const reset = resets.get(at), said = speak(message, text, message.role === "assistant" ? step++ : -1, record);
    return reset ? [make("p.reset", {role: "note"}, `Context was full (${whole(reset.tokens)} tokens): from here the policy saw the opening and what follows message ${reset.from}.`), said] : said;
  });
  return make("section.conversation", {"aria-label": "Conversation"}, make("h2", {}, "Conversation", make("button.unfold", {type: "button", onclick: unfold}, "Unfold everything")), parts);
}

const firstLine = (text) => {
  const line = text.trimStart().split("\n", 1)[0].slice(0, 160);
  return inert(line + (line.length < text.trim().length ? " …" : ""));
};

// A fold whose content is made when it is first opened.
function lazy(summary, content, open = false) {
  const fold = make("details.fold", {}, make("summary", {}, summary));
  fold.complete = () => fold.childElementCount === 1 && fold.append(...[content()].flat());
  fold.addEventListener("toggle", () => fold.open && fold.complete());
  fold.open = open;
  if (open) fold.complete();
  return fold;
}

function speak(message, text, step, record) {
  const body = text(message.text), size = make("small", {}, bytes(new Blob([body]).size));
  if (message.role === "tool")
    return make("article.message.tool", {"aria-label": "Tool result"}, lazy([make("span.role", {}, "result"), make("span.preview", {}, body ? firstLine(body) : "(empty)"), size], () => [long(indented(body)), ...pictures(message, text)]));
  if (message.role !== "assistant") {
    const open = message.role === "user";
    return make(`article.message.${message.role}`, {"aria-label": message.role}, lazy([make("span.role", {}, message.role), make("span.preview", {}, firstLine(body)), size], () => long(body), open));
  }
  const [policy, tool] = record.times[step] ?? [], tokens = record.tokens[step];
  return make("article.message.assistant", {"aria-label": `Step ${step + 1}`, tabindex: "-1"}, make("header", {}, make("span.role", {}, `step ${step + 1}`), policy !== undefined && make("small", {}, `${duration(policy)} in the policy, ${duration(tool)} in tools`), make("small", {}, tokens === undefined ? "" : plural(tokens, "token"))),
    message.reasoning === undefined ? null : lazy([make("span.role", {}, "reasoning"), make("span.preview", {}, firstLine(text(message.reasoning))), make("small", {}, bytes(new Blob([text(message.reasoning)]).size))], () => make("div.reasoning", {}, long(text(message.reasoning)))),
    body ? make("div.said", {}, long(body)) : null, (message.calls ?? []).map(([name, argument]) => call(name, text(argument))));
}

function call(name, argument) {
  const empty = /^\s*(\{\s*\})?\s*$/.test(argument);
  return argument.length < 200 ? make("p.call", {}, make("span.arrow", {"aria-hidden": "true"}, "→ "), make("code", {}, make("b", {}, inert(name)), empty ? "()" : make("span", {}, " ", inert(argument))))
    : lazy([make("span.arrow", {"aria-hidden": "true"}, "→ "), make("code", {}, make("b", {}, inert(name))), make("span.preview", {}, firstLine(argument))], () => long(indented(argument)));
}

const pictures = (message, text) => (message.images ?? []).map((image) => make("img", {src: text(image), alt: "A picture that the tool returned", loading: "lazy"}));

function unfold() {
  const folds = $$("main details"), open = folds.some((fold) => !fold.open);
  for (const fold of folds) {
    if (open) fold.complete?.();
    fold.open = open;
  }
  const button = $("button.unfold");
  if (button) button.textContent = open ? "Fold everything" : "Unfold everything";
}

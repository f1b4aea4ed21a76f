// What the file holds: an index of everything, and blocks of texts that are inflated when they are first asked for.

let index = null;
let attempts = 0;          // how many
const blocks = [];         // {first, element, entries: a promise or null}

async function inflate(element) {
  const packed = Uint8Array.from(atob(element.textContent.trim()), (c) => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return JSON.parse(await new Response(stream).text());
}

async function openIndex() {
  index = await inflate($("#index"));
  attempts = index.attempt.id.length;
  for (const element of $$("script.block")) blocks.push({first: +element.dataset.first, element, entries: null});
}

function blockOf(number) {
  let low = 0, high = blocks.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (blocks[middle].first <= number) low = middle;
    else high = middle - 1;
  }
  return blocks[low];
}

async function entry(number) {
  const block = blockOf(number);
  block.entries ??= inflate(block.element);
  return (await block.entries)[number - block.first];
}

// The numbers of all texts that a record names.
function textsOf(record) {
  const numbers = [];
  for (const message of record.messages) {
    numbers.push(message.text);
    if (message.reasoning !== undefined) numbers.push(message.reasoning);
    for (const [, text] of message.calls ?? []) numbers.push(text);
    numbers.push(...(message.images ?? []));
  }
  for (const [, , evidence] of record.checks) numbers.push(evidence);
  for (const name of ["answer", "patch", "change"]) if (record[name] !== undefined) numbers.push(record[name]);
  return numbers;
}

// {record, text(number)} of an attempt, or null where the file has it in the index only.
async function trajectory(place) {
  const number = index.attempt.record[place];
  if (number < 0) return null;
  const record = await entry(number);
  const texts = new Map();
  await Promise.all(textsOf(record).map(async (each) => texts.set(each, await entry(each))));
  return {record, text: (each) => texts.get(each)};
}

// ---- Which attempts the address names ----

const FILTERS = ["policy", "domain", "archetype", "difficulty", "outcome", "stop", "kind"];

// The place of the one id that begins with these digits, or that they begin with (the page keeps sixteen); undefined: none, or several.
function placeOf(ids, digits) {
  const found = [];
  ids.forEach((id, place) => (digits && (id.startsWith(digits) || digits.startsWith(id))) && found.push(place));
  return found.length === 1 ? found[0] : undefined;
}

// "#/attempt/ID?outcome=failed" -> {view: "attempt", id, query}.
function address() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const [view, id = ""] = path.split("/");
  return {view: view || "overview", id, query: new URLSearchParams(query)};
}

function link(view, query) {
  const text = query ? query.toString() : "";
  return `#/${view}${text ? "?" + text : ""}`;
}

// What each filter compares, as text.
const valueOf = {
  policy: (place) => index.policies[index.attempt.policy[place]],
  domain: (place) => index.domains[index.task.domain[index.attempt.task[place]]],
  archetype: (place) => index.archetypes[index.task.archetype[index.attempt.task[place]]],
  difficulty: (place) => String(index.task.difficulty[index.attempt.task[place]]),
  outcome: (place) => index.outcomes[index.attempt.outcome[place]],
  stop: (place) => index.stops[index.attempt.stop[place]],
};

const hay = [];
function hayOf(place) {
  hay[place] ??= [index.attempt.id[place], index.task.id[index.attempt.task[place]], ...Object.values(valueOf).map((of) => of(place)), OUTCOMES[index.attempt.outcome[place]],
    ...index.attempt.kinds[place].map((kind) => index.kinds[kind])].join("\n").toLowerCase();
  return hay[place];
}

// For each word the numbers of the texts that hold it, and for each attempt the numbers of its texts.
async function deepMatches(words) {
  const found = words.map(() => new Set());
  const opened = [];
  for (const block of blocks) {
    block.entries ??= inflate(block.element);
    const entries = await block.entries;
    opened.push(...entries);
    entries.forEach((text, at) => {
      if (typeof text !== "string") return;
      const lower = text.toLowerCase();
      words.forEach((word, which) => lower.includes(word) && found[which].add(block.first + at));
    });
  }
  return (place, which) => {
    const number = index.attempt.record[place];
    return number >= 0 && textsOf(opened[number]).some((text) => found[which].has(text));
  };
}

// Places of the attempts that a query leaves, in the order of the index.
async function selected(query) {
  const words = (query.get("q") ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  const deep = words.length && query.has("deep") ? await deepMatches(words) : () => false;
  const wanted = FILTERS.filter((name) => query.has(name)).map((name) => [name, query.get(name)]);
  const out = [];
  for (let place = 0; place < attempts; ++place) {
    const fits = wanted.every(([name, value]) => (name === "kind" ? index.attempt.kinds[place].some((kind) => index.kinds[kind] === value) : valueOf[name](place) === value));
    if (fits && words.every((word, which) => hayOf(place).includes(word) || deep(place, which))) out.push(place);
  }
  return out;
}

// Elements, numbers for people, and texts that must not act.

const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

// make("a.link", {href: "#/"}, "text", element, [more]). Texts stay texts; nothing here ever parses HTML.
function make(what, attributes = {}, ...children) {
  const [tag, ...classes] = what.split(".");
  const element = document.createElement(tag || "div");
  if (classes.length) element.className = classes.join(" ");
  return fill(element, attributes, children);
}

function draw(tag, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(9).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

// Characters that turn, hide or break text are shown by name: C0 and C1 controls, marks of direction, separators of lines.
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

function inert(text) {
  const parts = [];
  let from = 0;
  for (const match of text.matchAll(UNSEEN)) {
    const code = match[0].codePointAt(0);
    parts.push(text.slice(from, match.index));
    parts.push(make("span.unseen", {}, code < 32 ? String.fromCharCode(0x2400 + code) : "U+" + code.toString(16).toUpperCase().padStart(4, "0")));
    from = match.index + match[0].length;
  }
  parts.push(text.slice(from));
  return parts;
}

const plural = (count, one, many = one + "s") => `${whole(count)} ${count === 1 ? one : many}`;
const whole = (number) => Math.round(number).toLocaleString("en-US");
const percent = (share) => {
  const value = share * 100;
  return (value === 0 || value === 100 || value >= 10 ? value.toFixed(value % 1 && value < 99.95 ? 1 : 0) : value >= 1 ? value.toFixed(1) : value.toPrecision(1)) + "%";
};
const measured = (value, text) => (value === null ? "–" : text(value));
const short = (number) => {
  for (const [size, letter] of [[1e9, "G"], [1e6, "M"], [1e3, "k"]])
    if (number >= size) return (number / size).toPrecision(3).replace(/\.0+$/, "") + letter;
  return whole(number);
};
function duration(us) {
  if (us < 1e3) return `${whole(us)} µs`;
  if (us < 1e6) return `${(us / 1e3).toPrecision(us < 1e5 ? 2 : 3)} ms`;
  if (us < 6e7) return `${(us / 1e6).toPrecision(us < 1e7 ? 2 : 3)} s`;
  const minutes = Math.floor(us / 6e7);
  if (minutes < 60) return `${minutes} min ${Math.floor((us % 6e7) / 1e6)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
const bytes = (count) => (count < 1000 ? `${count} bytes` : count < 1e6 ? `${(count / 1e3).toPrecision(3)} kB` : `${(count / 1e6).toPrecision(3)} MB`);

// As a shell reads it: one word, whatever is in it.
const shell = (word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : "'" + word.replaceAll("'", "'\\''") + "'");

function say(text) {
  $("#said").textContent = "";
  setTimeout(() => ($("#said").textContent = text), 30);
}

async function copy(text, button) {
  const said = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = make("textarea.visually-hidden", {}, text);
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  button.textContent = "Copied";
  say("Copied: " + text);
  setTimeout(() => (button.textContent = said), 1500);
}

const OUTCOMES = ["passed", "failed", "undecided", "verifier error", "timed out", "broken"];
const badge = (outcome) => make(`span.badge.o${outcome}`, {}, OUTCOMES[outcome]);
const levelText = (difficulty) => (difficulty ? "difficulty " + difficulty : "no difficulty");

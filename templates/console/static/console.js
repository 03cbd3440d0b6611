// Keys, live pages and times in the reader's zone. Every page works without this script.
"use strict";

let here = -1;
let leading = "";
let isTouched = false;

function rows() {
  return Array.from(document.querySelectorAll("#main [data-row]"));
}

// Moving with the keys moves the focus too, so that Tab and screen readers go on from there.
function move(step) {
  const all = rows();
  if (!all.length) return;
  all.forEach((row) => row.classList.remove("here"));
  here = Math.min(Math.max(here + step, 0), all.length - 1);
  all[here].classList.add("here");
  const first = all[here].querySelector("a[href], summary, button");
  if (first) first.focus({ preventScroll: true });
  all[here].scrollIntoView({ block: "nearest" });
}

function open() {
  const row = rows()[here];
  const link = row && row.querySelector("a[href]");
  if (link) link.click();
}

function isWriting(target) {
  return target.closest && target.closest("input, textarea, select, button, a, summary, dialog") !== null;
}

const PLACES = { i: "/console/", c: "/console/cases", p: "/console/playbooks", k: "/console/knowledge", n: "/console/numbers" };

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const isLink = event.target.closest && event.target.closest("a, button, summary") !== null;
  if (isWriting(event.target) && !(isLink && event.key !== "Enter")) return;
  const help = document.getElementById("help");
  if (help.open) return;
  if (leading === "g" && PLACES[event.key]) {
    location.assign(PLACES[event.key]);
  } else if (event.key === "j") {
    move(1);
  } else if (event.key === "k") {
    move(-1);
  } else if (event.key === "Enter") {
    open();
  } else if (event.key === "/") {
    event.preventDefault();
    const search = document.getElementById("search");
    if (search) search.focus();
    else location.assign(PLACES.c);
  } else if (event.key === "?") {
    help.showModal();
  }
  leading = event.key;
});

// Times: relative ones go on, absolute ones are in the reader's zone.
const UNITS = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
const FORMAT = new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "medium" });

function span(seconds) {
  let rest = Math.floor(Math.abs(seconds));
  const parts = [];
  for (const [size, unit] of UNITS) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count || parts.length === 1) parts.push(`${count} ${unit}`);
    if (parts.length === 2) break;
  }
  return parts.filter((part) => !part.startsWith("0 ")).join(" ") || "0 s";
}

function relative(kind, seconds) {
  if (kind === "left") return `${span(seconds)} ${seconds > 0 ? "left" : "late"}`;
  if (Math.abs(seconds) < 1) return "now";
  if (Math.abs(seconds) >= 600) seconds -= seconds % 60;
  if (seconds > 0) return `in ${span(seconds)}`;
  return `${span(seconds)} ${kind === "due" ? "late" : "ago"}`;
}

function tellTimes() {
  document.querySelectorAll("time[datetime]").forEach((one) => {
    const at = new Date(one.dateTime);
    if (Number.isNaN(at.getTime())) return;
    const kind = ["ago", "due", "left"].find((name) => name in one.dataset);
    const local = FORMAT.format(at);
    const seconds = (at.getTime() - Date.now()) / 1000;
    const words = kind ? relative(kind, seconds) : local;
    if (one.textContent !== words) one.textContent = words;
    if (kind) one.title = local;
    if (kind && kind !== "ago") one.classList.toggle("late", seconds < 0);
  });
}

const zone = document.getElementById("zone");
if (zone) zone.textContent = Intl.DateTimeFormat().resolvedOptions().timeZone;
tellTimes();
setInterval(tellTimes, 15000);

// Of a long drawing, what is under way is shown first.
document.querySelectorAll(".drawing").forEach((box) => {
  const marked = box.querySelectorAll(".is-parked, .is-failed, .is-at-work");
  const last = marked[marked.length - 1];
  if (last) box.scrollTop += last.getBoundingClientRect().top - box.getBoundingClientRect().top - box.clientHeight / 3;
});

// A form is sent once; who comes back to the page can send it again.
document.addEventListener("submit", (event) => {
  if (event.target.method !== "post") return;
  event.target.setAttribute("aria-busy", "true");
  setTimeout(() => event.target.querySelectorAll("button").forEach((one) => { one.disabled = true; }), 0);
});
window.addEventListener("pageshow", () => {
  document.querySelectorAll("[aria-busy]").forEach((one) => {
    one.removeAttribute("aria-busy");
    one.querySelectorAll("button").forEach((button) => { button.disabled = false; });
  });
});

// What somebody has begun to write, or is about to click, is never changed under their hands.
document.addEventListener("input", () => {
  isTouched = true;
});

function isBusy() {
  const active = document.activeElement;
  if (isTouched || (active && active.matches("textarea, input, select")) || document.querySelector("dialog[open]")) return true;
  return document.querySelector("#main form:hover, #main form:focus-within") !== null;
}

function say(words) {
  const news = document.getElementById("news");
  if (news && news.textContent !== words) news.textContent = words;
}

function keyOf(node) {
  if (node.nodeType !== Node.ELEMENT_NODE) return `#${node.nodeType}`;
  const own = node.id || node.getAttribute("aria-labelledby") || node.getAttribute("href") || node.getAttribute("name") || "";
  const isEntry = node.matches("tr, li, article");
  return `${node.nodeName} ${own} ${isEntry ? node.textContent.replace(/\s+/g, " ").slice(0, 60) : ""}`;
}

// Only what differs is changed: focus, places of scrolling and opened parts stay.
function become(old, fresh) {
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  for (const { name } of Array.from(old.attributes)) {
    if (!fresh.hasAttribute(name) && !(name === "open" && old.matches("details"))) old.removeAttribute(name);
  }
  grow(old, fresh);
}

function grow(old, fresh) {
  const left = Array.from(old.childNodes);
  const pairs = Array.from(fresh.childNodes, (next) => {
    const found = left.findIndex((one) => keyOf(one) === keyOf(next));
    return [found < 0 ? null : left.splice(found, 1)[0], next];
  });
  left.forEach((one) => one.remove());
  let place = old.firstChild;
  for (const [same, next] of pairs) {
    if (same === null) {
      old.insertBefore(document.importNode(next, true), place);
    } else {
      if (same === place) place = place.nextSibling;
      else old.insertBefore(same, place);
      become(same, next);
    }
  }
}

// What has the focus, or else stands first on the screen, stays where it is, whatever grows above it.
function lookedAt(main) {
  if (main !== document.activeElement && main.contains(document.activeElement)) return document.activeElement;
  return Array.from(main.querySelectorAll("section, article, tr")).find((one) => one.getBoundingClientRect().top >= 0);
}

async function renew() {
  if (isBusy()) {
    say("Something changed here: load the page anew to see it.");
    return;
  }
  const answer = await fetch(location.href, { credentials: "same-origin", redirect: "manual" });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const next = fresh.getElementById("main");
  if (!next || isBusy()) return;
  const done = next.querySelector(".done");
  if (done) done.remove();
  const main = document.getElementById("main");
  const looked = lookedAt(main);
  const before = looked && looked.getBoundingClientRect().top;
  grow(main, next);
  document.title = fresh.title;
  tellTimes();
  if (looked && looked.isConnected) scrollBy(0, looked.getBoundingClientRect().top - before);
  say("The page was brought up to date.");
}

const live = document.getElementById("main").dataset.live;
if (live && window.EventSource) {
  const events = new EventSource(live);
  events.addEventListener("changed", () => renew().catch(() => undefined));
  window.addEventListener("pagehide", () => events.close());
}

// Keys and live pages. Every page works without this script.
"use strict";

let here = -1;
let leading = "";
let isTouched = false;

function rows() {
  return Array.from(document.querySelectorAll("#main [data-row]"));
}

function move(step) {
  const all = rows();
  if (!all.length) return;
  all.forEach((row) => row.classList.remove("here"));
  here = Math.min(Math.max(here + step, 0), all.length - 1);
  all[here].classList.add("here");
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

const PLACES = { i: "/console/", c: "/console/cases", p: "/console/playbooks", n: "/console/numbers" };

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const isLink = event.target.closest && event.target.closest("a, button, summary") !== null;
  if (isWriting(event.target) && !(isLink && event.key !== "Enter")) return;
  const help = document.getElementById("help");
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

// What somebody has begun to write is never taken from under their hands.
document.addEventListener("input", () => {
  isTouched = true;
});

async function renew() {
  const active = document.activeElement;
  if (isTouched || (active && active.matches("textarea, input, select")) || document.querySelector("dialog[open]")) return;
  const answer = await fetch(location.href, { credentials: "same-origin", redirect: "manual" });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const next = fresh.getElementById("main");
  const main = document.getElementById("main");
  if (!next || isTouched) return;
  const opened = new Set(Array.from(main.querySelectorAll("details[open] > summary"), (one) => one.textContent));
  next.querySelectorAll("details > summary").forEach((one) => {
    if (opened.has(one.textContent)) one.parentElement.open = true;
  });
  const done = next.querySelector(".done");
  if (done) done.remove();
  main.replaceChildren(...next.childNodes);
  document.title = fresh.title;
  if (here >= 0) move(0);
}

const live = document.getElementById("main").dataset.live;
if (live && window.EventSource) {
  const events = new EventSource(live);
  events.addEventListener("changed", () => renew().catch(() => undefined));
  window.addEventListener("pagehide", () => events.close());
}

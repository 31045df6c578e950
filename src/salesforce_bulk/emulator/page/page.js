// Keeps an open page up to date: asks for it again, and puts in what is new. Without this script, reloading does the same.
"use strict";

const main = document.getElementById("main");
const pause = document.createElement("button");
let paused = false;
let timer;

// How long until the next look, in milliseconds; 0 for a page that stays as it is.
const wait = () => 1000 * Number(main.dataset.again || 0);

function later() {
  clearTimeout(timer);
  pause.hidden = !wait();
  if (wait() && !paused && !document.hidden) timer = setTimeout(look, wait());
}

function say(text) {
  const status = document.getElementById("status");
  if (status.textContent !== text) status.textContent = text; // read out, and only when it is another
}

async function look() {
  try {
    const reply = await fetch(location.href, { cache: "no-store" });
    const fresh = new DOMParser().parseFromString(await reply.text(), "text/html");
    if (!paused && fresh.getElementById("content")) show(fresh);
  } catch {
    say("The local org does not answer. This page shows what it last said.");
  }
  later();
}

// Part by part, so that what has not changed keeps its focus, its place and what was chosen in it.
function show(fresh) {
  const old = [...document.getElementById("content").children];
  const parts = [...fresh.getElementById("content").children];
  const same = old.length === parts.length && old.every((part, place) => part.tagName === parts[place].tagName);
  if (!same) replace(document.getElementById("content"), fresh.getElementById("content"));
  else
    old.forEach((part, place) => {
      if (part.tagName !== "FORM") replace(part, parts[place]);
    });
  main.dataset.again = fresh.getElementById("main").dataset.again || "";
  say(fresh.getElementById("status").textContent);
}

function replace(part, other) {
  if (part.innerHTML === other.innerHTML) return;
  const focused = part.contains(document.activeElement) ? document.activeElement.id : "";
  part.replaceChildren(...other.childNodes);
  for (const name of ["class", "role", "aria-labelledby", "tabindex"]) {
    if (other.hasAttribute(name)) part.setAttribute(name, other.getAttribute(name));
    else part.removeAttribute(name);
  }
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
}

pause.type = "button";
pause.textContent = "Pause updates";
pause.addEventListener("click", () => {
  paused = !paused;
  pause.textContent = paused ? "Resume updates" : "Pause updates";
  later();
});
document.addEventListener("visibilitychange", later);
document.querySelector(".follow").append(pause);
later();

// What a page does besides being read: live updates, keys, and copying. Every form works without it, and no key decides.
"use strict";

const body = document.body;
const home = body.dataset.home ?? "";

// A session may have a place, which only this browser knows; a link that comes without it finds it here. No other port reads this.
const kept = {
  get: () => { try { return localStorage.getItem("home"); } catch { return null; } },
  set: (place) => { try { localStorage.setItem("home", place); } catch { /* a browser that keeps nothing */ } },
  drop: () => { try { localStorage.removeItem("home"); } catch { /* the same */ } },
};

if (home) kept.set(home);
const gate = document.querySelector("[data-onward]");
if (document.querySelector("[data-over]")) kept.drop();
else if (gate && /^\/s-[\w-]{43}$/.test(kept.get() ?? "")) location.replace(kept.get() + gate.dataset.onward);

const policy = window.trustedTypes?.createPolicy("synapsor", { createHTML: (text) => text }) ?? { createHTML: (text) => text };

// Live: the server says that something happened, and the page asks for itself again.

const live = (body.dataset.live ?? "").split(" ");
// What the page was made from is no news to it, though it may be told later.
const made = Number(body.dataset.head ?? 0);
let stream = null;

// What is under a finger or the mouse is not changed until it is let go, or the press would be on nothing.
let pressed = false;
addEventListener("pointerdown", () => { pressed = true; }, true);
for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => setTimeout(() => { pressed = false; }), true);

function busy() {
  const at = document.activeElement;
  const typing = at instanceof HTMLInputElement || at instanceof HTMLSelectElement;
  const chosen = document.querySelector("[data-pick]:checked") !== null;
  const selected = !(window.getSelection()?.isCollapsed ?? true);
  return typing || chosen || selected || pressed || begun();
}

// What somebody has typed into a form is not taken from them, though they look elsewhere.
function begun() {
  return [...document.querySelectorAll("form[method=post] input:not([type=hidden], [type=checkbox], [type=radio])")].some((one) => one.value !== one.defaultValue);
}

async function again() {
  const answer = await fetch(location.href, { headers: { accept: "text/html", "x-synapsor-by-itself": "yes" }, redirect: "error" });
  if (!answer.ok) return;
  const text = await answer.text();
  if (busy()) return tell("Something changed."); // somebody has begun while the page was on its way
  const fresh = new DOMParser().parseFromString(policy.createHTML(text), "text/html");
  const at = current()?.dataset.href;
  const unfolded = [...document.querySelectorAll("details[id][open]")].map((one) => one.id);
  for (const region of document.querySelectorAll("[data-region]")) {
    const other = fresh.querySelector(`[data-region="${region.dataset.region}"]`);
    if (other) region.replaceWith(document.adoptNode(other));
  }
  for (const id of unfolded) document.getElementById(id)?.setAttribute("open", "");
  document.title = fresh.title;
  if (at) mark(items().find((item) => item.dataset.href === at) ?? null);
  chosen();
}

function tell(words) {
  const notice = document.querySelector("[data-notice]");
  if (!notice) return;
  notice.querySelector("[data-notice-words]").textContent = words;
  notice.querySelector("[data-notice-link]").href = location.href;
  notice.hidden = false;
}

// However much happens, the page asks once a second.
let due = null;
function soon() {
  due ??= setTimeout(() => {
    due = null;
    if (busy()) tell("Something changed.");
    else again().catch(() => tell("Something changed."));
  }, 1000);
}

function changed(event) {
  const told = JSON.parse(event.data);
  for (const count of document.querySelectorAll("[data-count]")) count.textContent = told.waiting;
  const [page, subject] = live;
  if (page === "inbox" || page === "jobs") {
    if (busy()) tell("Something changed.");
    else soon();
  } else if (page === "proposal" && told.happened.some(([, about, number]) => about === subject && number > made)) {
    tell("This proposal has changed since the page was made.");
  }
}

function listen() {
  if (stream || document.hidden) return;
  stream = new EventSource(`${home}/events`);
  stream.addEventListener("changed", changed);
  stream.addEventListener("over", () => {
    stream.close();
    tell("You are logged out.");
  });
  // Whoever is not let listen any more is not told either, such as after the console was started again: ask why, once.
  stream.addEventListener("error", () => {
    if (stream?.readyState === EventSource.CLOSED) lost();
  });
  let opened = false;
  stream.addEventListener("open", () => {
    body.dataset.listening = "yes";
    // What happened while nobody listened was not told.
    if (opened && (live[0] === "inbox" || live[0] === "jobs") && !busy()) again().catch(() => {});
    opened = true;
  });
}

async function lost() {
  hush();
  const asked = { headers: { "x-synapsor-by-itself": "yes" }, redirect: "manual" };
  const answer = await fetch(location.href, asked).catch(() => null);
  tell(answer?.type === "opaqueredirect" ? "Your session is over." : "This page is not told of changes any more.");
}

function hush() {
  stream?.close();
  stream = null;
  delete body.dataset.listening;
}

if (body.dataset.live !== undefined) {
  listen();
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) hush();
    else {
      const page = live[0];
      listen();
      if ((page === "inbox" || page === "jobs") && !busy()) again().catch(() => {});
    }
  });
  window.addEventListener("pagehide", hush);
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });
}

// Waiting for a signature in the terminal.

if (document.querySelector("[data-waiting]")) {
  const waits = new EventSource("events");
  const go = () => {
    waits.close();
    location.replace(location.href);
  };
  waits.addEventListener("go", go);
  waits.addEventListener("error", () => {
    if (waits.readyState === EventSource.CLOSED) setTimeout(go, 3000);
  });
  window.addEventListener("pagehide", () => waits.close());
}

for (const button of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = "Copied";
  });
}

// How many are chosen.

function chosen() {
  const words = document.querySelector("[data-chosen]");
  if (!words) return;
  const count = document.querySelectorAll("[data-pick]:checked").length;
  words.textContent = count ? `${count} chosen` : "";
}

document.addEventListener("change", (event) => {
  if (event.target instanceof Element && event.target.matches("[data-pick]")) chosen();
});
chosen();

// A form is sent once.

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
});
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

// Keys.

function items() {
  return [...document.querySelectorAll("[data-item]")];
}

function current() {
  return document.querySelector("[data-item][data-current]");
}

function mark(item) {
  for (const other of document.querySelectorAll("[data-item][data-current]")) delete other.dataset.current;
  if (!item) return;
  item.dataset.current = "";
  item.querySelector("[data-open]")?.focus({ preventScroll: true });
  item.scrollIntoView({ block: "nearest" });
}

function move(by) {
  const all = items();
  const at = all.indexOf(current());
  mark(all[Math.min(all.length - 1, Math.max(0, at < 0 ? (by > 0 ? 0 : all.length - 1) : at + by))] ?? null);
}

function goTo(selector) {
  const field = document.querySelector(selector);
  if (!field) return false;
  field.focus();
  field.scrollIntoView({ block: "center" });
  return true;
}

function open(then = "") {
  const href = current()?.dataset.href;
  if (href) location.assign(href + then);
}

const keys = {
  j: () => move(1),
  k: () => move(-1),
  o: () => open(),
  x: () => {
    const pick = current()?.querySelector("[data-pick]");
    if (pick) {
      pick.checked = !pick.checked;
      chosen();
    }
  },
  a: () => goTo("[data-approve]") || open("#approve"),
  r: () => goTo("[data-reject]") || open("#reject"),
  u: () => document.querySelector("[data-back]")?.click(),
  "/": () => goTo("input[type=search]"),
  "?": () => document.querySelector("[data-help-dialog]")?.showModal(),
};

if (body.dataset.shortcuts !== undefined) {
  const help = document.querySelector("[data-help]");
  if (help) {
    help.hidden = false;
    help.addEventListener("click", keys["?"]);
  }
  document.addEventListener("keydown", (event) => {
    const at = event.target;
    const typing = at instanceof HTMLElement && at.closest("input:not([type=checkbox], [type=radio]), select, textarea, dialog");
    if (typing) {
      if (event.key === "Escape" && !at.closest("dialog")) at.blur();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const act = Object.hasOwn(keys, event.key) ? keys[event.key] : null;
    if (!act) return;
    event.preventDefault();
    act();
  });
  if (location.hash === "#approve") goTo("[data-approve]");
  if (location.hash === "#reject") goTo("[data-reject]");
}

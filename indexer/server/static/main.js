// Views by URL, the search form and the keys.

import { Adding } from "./adding.js";
import { ApiError, library, recording } from "./api.js";
import { copyLink, startDock } from "./dock.js";
import { announce, byId, el } from "./dom.js";
import { Home } from "./home.js";
import { player } from "./player.js";
import { RecordingView } from "./recording.js";
import { Results } from "./results.js";
import { title } from "./format.js";

const FILTERS = ["path", "confidence", "slop", "mode", "order"];
const MAX_KEPT_VIEWS = 5; // results restored by the back button

let view = null;
let viewUrl = null;
let loading = new AbortController();
const keptViews = new Map(); // URL → results and scroll position

/** Show the view of the current URL. */
async function route({ back = false } = {}) {
  const { pathname, search } = location;
  const query = new URLSearchParams(search);
  if (view instanceof Results) keepView();
  viewUrl = pathname + search;
  loading.abort();
  loading = new AbortController();
  const { signal } = loading;
  fillForm(query);
  const kept = keptViews.get(viewUrl);
  if (back && kept) {
    show(kept.view);
    kept.view.showState?.();
    scrollTo(0, kept.scroll);
    return;
  }
  try {
    const next = await createView(pathname, query);
    if (signal.aborted) return;
    show(next);
    if (!back) scrollTo(0, 0);
    await next.load(signal);
  } catch (error) {
    if (error.name === "AbortError" || signal.aborted) return;
    const message = error instanceof ApiError ? error.message : "An error occurred; see the console of the browser.";
    byId("main").append(el("p", { class: "notice", role: "alert" }, message));
    if (!(error instanceof ApiError)) throw error;
  }
}

async function createView(pathname, query) {
  const id = pathname.match(/^\/r\/([^/]+)$/)?.[1];
  if (id) {
    const item = await recording(decodeURIComponent(id));
    document.title = `${title(item.path)} · audiosearch`;
    return new RecordingView(item, query);
  }
  if (pathname === "/add") return new Adding();
  const text = query.get("q")?.trim();
  document.title = text ? `“${text}” · audiosearch` : "audiosearch";
  return text ? new Results(query) : new Home(query);
}

function show(next) {
  if (view && ![...keptViews.values()].some((kept) => kept.view === view)) view.close();
  view = next;
  document.body.dataset.view = next.constructor === Home ? "home" : next.constructor === Results ? "results" : "recording";
  byId("main").replaceChildren(next.element);
}

/** Navigate to a URL of this page. */
function navigate(url) {
  history.pushState(null, "", url);
  route();
}

/** Keep the current results for the back button. */
function keepView() {
  keptViews.set(viewUrl, { view, scroll: scrollY });
  if (keptViews.size > MAX_KEPT_VIEWS) {
    const [oldestUrl, { view: oldest }] = keptViews.entries().next().value;
    keptViews.delete(oldestUrl);
    if (oldest !== view) oldest.close();
  }
}

function fillForm(query) {
  byId("q").value = query.get("q") ?? "";
  selectFilters(query);
}

function selectFilters(query) {
  for (const name of FILTERS) {
    const select = byId(name);
    const value = query.get(name) ?? "";
    if (value && ![...select.options].some((option) => option.value === value)) select.append(new Option(value, value));
    select.value = value;
    if (select.selectedIndex < 0) select.selectedIndex = 0;
    select.classList.toggle("set", select.selectedIndex > 0);
  }
}

function submit(event) {
  event?.preventDefault();
  const text = byId("q").value.trim();
  const query = new URLSearchParams();
  if (text) query.set("q", text);
  for (const name of FILTERS) {
    const select = byId(name);
    if (select.value && select.selectedIndex > 0) query.set(name, select.value);
  }
  const url = text ? `/?${query}` : "/";
  if (url === location.pathname + location.search) return;
  navigate(url);
}

async function fillFilters() {
  const { folders, modes } = await library();
  const options = folders.map(({ path, recordings }) => new Option(`${path} (${recordings})`, path));
  byId("path").replaceChildren(byId("path").options[0], ...options);
  if (modes.length > 1) {
    const names = { auto: "words, then sound", words: "words only", sound: "sound only" };
    byId("mode").replaceChildren(...modes.map((mode) => new Option(names[mode] ?? mode, mode)));
    document.querySelector("label.mode").hidden = false;
  }
  selectFilters(new URLSearchParams(location.search)); // leaves the search box, in which the user may be typing
}

// Keys: single letters work outside of fields, unless the user turned them off

const keys = {
  "/": () => (byId("q").focus(), byId("q").select()),
  j: () => view.move(1),
  k: () => view.move(-1),
  " ": () => (view instanceof Home ? player.recording && player.toggle() : view.toggle()),
  ArrowLeft: () => player.recording && player.seek(player.time - 5),
  ArrowRight: () => player.recording && player.seek(player.time + 5),
  o: () => view.open(),
  c: () => copyLink(),
  "?": () => showHelp(),
};

function handleKey(event) {
  const { target, key } = event;
  if (key === "Escape" && target === byId("q")) return target.blur();
  if (event.ctrlKey || event.metaKey || event.altKey || !view || byId("help").open) return undefined;
  if (target.closest("input, select, textarea, dialog")) return undefined;
  // Space activates the focused button, as in every page; on a hit that is the same as playing it.
  if (key === " " && target.closest("button:not(.hit), a, [role=button]")) return undefined;
  if (!keys[key] || (key !== " " && key.length === 1 && !byId("single").checked)) return undefined;
  event.preventDefault();
  keys[key]();
  return undefined;
}

function showHelp() {
  byId("help").showModal();
}

function followLink(event) {
  const link = event.target.closest("a[href]");
  if (!link || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  const url = new URL(link.href);
  if (url.origin !== location.origin || url.pathname.startsWith("/api/") || link.classList.contains("skip")) return;
  event.preventDefault();
  navigate(url.pathname + url.search);
  byId("main").focus({ preventScroll: true });
}

history.scrollRestoration = "manual";
startDock();
byId("search").addEventListener("submit", submit);
for (const name of FILTERS) byId(name).addEventListener("change", () => byId("q").value.trim() && submit());
byId("help-button").addEventListener("click", showHelp);
byId("single").checked = localStorage.getItem("single-keys") !== "off";
byId("single").addEventListener("change", (event) => localStorage.setItem("single-keys", event.target.checked ? "on" : "off"));
addEventListener("popstate", () => route({ back: true }));
document.addEventListener("keydown", handleKey);
document.addEventListener("click", followLink);
fillFilters().catch((error) => announce(error.message));
route();

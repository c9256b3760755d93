// The page: which view an address shows, the search form, the keys.

import { Refused, library, recording } from "./api.js";
import { copyLink, startDock } from "./dock.js";
import { announce, byId, el } from "./dom.js";
import { Home } from "./home.js";
import { player } from "./player.js";
import { RecordingView } from "./recording.js";
import { Results } from "./results.js";
import { title } from "./telling.js";

const FILTERS = ["path", "confidence", "slop", "mode", "order"];
const KEPT_VIEWS = 5; // that are shown again as they were on going back

let view = null;
let shown = null; // its address
let loading = new AbortController();
const left = new Map(); // address → results and how far they were scrolled

/** Show what the address names. */
async function route({ back = false } = {}) {
  const { pathname, search } = location;
  const query = new URLSearchParams(search);
  if (view instanceof Results) remember();
  shown = pathname + search;
  loading.abort();
  loading = new AbortController();
  const { signal } = loading;
  fillForm(query);
  const before = left.get(shown);
  if (back && before) {
    show(before.view);
    before.view.state?.();
    scrollTo(0, before.scroll);
    return;
  }
  try {
    const made = await viewOf(pathname, query);
    if (signal.aborted) return;
    show(made);
    if (!back) scrollTo(0, 0);
    await made.load(signal);
  } catch (error) {
    if (error.name === "AbortError" || signal.aborted) return;
    const sentence = error instanceof Refused ? error.message : "Something is wrong with this page; its console says more.";
    byId("main").append(el("p", { class: "notice", role: "alert" }, sentence));
    if (!(error instanceof Refused)) throw error;
  }
}

async function viewOf(pathname, query) {
  const id = pathname.match(/^\/r\/([^/]+)$/)?.[1];
  if (id) {
    const about = await recording(decodeURIComponent(id));
    document.title = `${title(about.path)} · audiosearch`;
    return new RecordingView(about, query);
  }
  const said = query.get("q")?.trim();
  document.title = said ? `“${said}” · audiosearch` : "audiosearch";
  return said ? new Results(query) : new Home();
}

function show(next) {
  if (view && ![...left.values()].some((one) => one.view === view)) view.close();
  view = next;
  document.body.dataset.view = next.constructor === Home ? "home" : next.constructor === Results ? "results" : "recording";
  byId("main").replaceChildren(next.element);
}

/** Go to an address of this page. */
function go(address) {
  history.pushState(null, "", address);
  route();
}

/** Keep the results that are shown, for who comes back to them. */
function remember() {
  left.set(shown, { view, scroll: scrollY });
  if (left.size > KEPT_VIEWS) {
    const [oldest, { view: gone }] = left.entries().next().value;
    left.delete(oldest);
    if (gone !== view) gone.close();
  }
}

function fillForm(query) {
  byId("q").value = query.get("q") ?? "";
  choose(query);
}

function choose(query) {
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
  const said = byId("q").value.trim();
  const query = new URLSearchParams();
  if (said) query.set("q", said);
  for (const name of FILTERS) {
    const select = byId(name);
    if (select.value && select.selectedIndex > 0) query.set(name, select.value);
  }
  const address = said ? `/?${query}` : "/";
  if (address === location.pathname + location.search) return;
  go(address);
}

async function fillFilters() {
  const about = await library();
  const folders = about.folders.map(({ path, recordings }) => new Option(`${path} (${recordings})`, path));
  byId("path").replaceChildren(byId("path").options[0], ...folders);
  if (about.modes.length > 1) {
    const names = { auto: "words, then sound", words: "words only", sound: "sound only" };
    byId("mode").replaceChildren(...about.modes.map((mode) => new Option(names[mode] ?? mode, mode)));
    document.querySelector("label.mode").hidden = false;
  }
  choose(new URLSearchParams(location.search)); // and not the words: somebody may be typing already
}

// Keys: single letters work outside of fields, unless somebody has turned them off

const keys = {
  "/": () => (byId("q").focus(), byId("q").select()),
  j: () => view.move(1),
  k: () => view.move(-1),
  " ": () => (view instanceof Home ? player.recording && player.toggle() : view.toggle()),
  ArrowLeft: () => player.recording && player.seek(player.time - 5),
  ArrowRight: () => player.recording && player.seek(player.time + 5),
  o: () => view.open(),
  c: () => copyLink(),
  "?": () => help(),
};

function pressed(event) {
  const { target, key } = event;
  if (key === "Escape" && target === byId("q")) return target.blur();
  if (event.ctrlKey || event.metaKey || event.altKey || !view || byId("help").open) return undefined;
  if (target.closest("input, select, textarea, dialog")) return undefined;
  // Space presses the button that has the focus, as everywhere; on a hit that is the same as playing it.
  if (key === " " && target.closest("button:not(.hit), a, [role=button]")) return undefined;
  if (!keys[key] || (key !== " " && key.length === 1 && !byId("single").checked)) return undefined;
  event.preventDefault();
  keys[key]();
  return undefined;
}

function help() {
  byId("help").showModal();
}

function followLink(event) {
  const link = event.target.closest("a[href]");
  if (!link || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  const address = new URL(link.href);
  if (address.origin !== location.origin || address.pathname.startsWith("/api/") || link.classList.contains("skip")) return;
  event.preventDefault();
  go(address.pathname + address.search);
  byId("main").focus({ preventScroll: true });
}

history.scrollRestoration = "manual";
startDock();
byId("search").addEventListener("submit", submit);
for (const name of FILTERS) byId(name).addEventListener("change", () => byId("q").value.trim() && submit());
byId("ask").addEventListener("click", help);
byId("single").checked = localStorage.getItem("single-keys") !== "off";
byId("single").addEventListener("change", (event) => localStorage.setItem("single-keys", event.target.checked ? "on" : "off"));
addEventListener("popstate", () => route({ back: true }));
document.addEventListener("keydown", pressed);
document.addEventListener("click", followLink);
fillFilters().catch((error) => announce(error.message));
route();

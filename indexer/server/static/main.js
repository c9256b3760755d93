// Views by URL, searches while typing, and the keys.

import { Adding } from "./adding.js";
import { ApiError, recording } from "./api.js";
import { copyLink, startDock } from "./dock.js";
import { announce, byId, el } from "./dom.js";
import { Home } from "./home.js";
import { player } from "./player.js";
import { Problem } from "./problem.js";
import { RecordingView } from "./recording.js";
import { Results } from "./results.js";
import { draftUrl, fillForm, FILTERS, formUrl, offerFilters } from "./search_form.js";
import { title } from "./format.js";

const MAX_KEPT_VIEWS = 5; // results restored by the back button
const DRAFT_DELAY_MS = 250; // between the last key and a search while typing
const SKELETON_DELAY_MS = 150; // faster responses show nothing in between

let view = null;
let viewUrl = null; // of the view that is shown
let loading = new AbortController();
let typing = null; // timer of the next search while typing
const keptViews = new Map(); // URL → results and scroll position

/**
 * Show the view of the current URL. Results replace the view before when they are loaded, others are shown at once.
 *
 * `back`: show kept results; `draft`: the text that is being typed, which stays as it is; `replaced`: the view before
 * has left the history.
 */
async function route({ back = false, draft = null, replaced = false } = {}) {
  clearTimeout(typing);
  const { pathname, search } = location;
  const query = new URLSearchParams(search);
  if (view instanceof Results && !replaced) keepView();
  loading.abort();
  loading = new AbortController();
  const { signal } = loading;
  if (draft === null) fillForm(query);
  const kept = keptViews.get(pathname + search);
  if (back && kept) {
    setBusy(false);
    show(kept.view);
    kept.view.showState?.();
    scrollTo(0, kept.scroll);
    return;
  }
  setBusy(true);
  const skeletonTimer = setTimeout(() => view instanceof Results || showSkeleton(pathname, query, draft), SKELETON_DELAY_MS);
  try {
    const next = await createView(pathname, query, draft);
    if (signal.aborted) return;
    if (next instanceof Results) await next.load(signal);
    if (signal.aborted) return;
    show(next);
    if (!back) scrollTo(0, 0);
    if (!(next instanceof Results)) await next.load(signal);
  } catch (error) {
    if (error.name === "AbortError" || signal.aborted) return;
    if (draft !== null && error.status === 400) return; // an operator or a word that is not finished
    show(new Problem(error, () => route({ back, draft, replaced: true })));
    if (!(error instanceof ApiError)) throw error;
  } finally {
    clearTimeout(skeletonTimer);
    if (!signal.aborted) setBusy(false);
  }
}

async function createView(pathname, query, draft) {
  const id = pathname.match(/^\/r\/([^/]+)$/)?.[1];
  if (id) {
    const item = await recording(decodeURIComponent(id));
    document.title = `${title(item.path)} · audiosearch`;
    return new RecordingView(item, query);
  }
  if (pathname === "/add") return new Adding();
  const text = query.get("q")?.trim();
  document.title = text ? `“${text}” · audiosearch` : "audiosearch";
  return text ? new Results(query, { draft: draft || null }) : new Home(query);
}

function show(next) {
  if (view && view !== next && ![...keptViews.values()].some((kept) => kept.view === view)) view.close();
  view = next;
  viewUrl = location.pathname + location.search;
  document.body.dataset.view = next.constructor === Home ? "home" : next.constructor === RecordingView ? "recording" : "results";
  byId("main").replaceChildren(next.element);
}

/** Show that a view is being loaded. */
function setBusy(busy) {
  byId("main").setAttribute("aria-busy", String(busy));
}

/** Gray lines in place of results that are being loaded. */
function showSkeleton(pathname, query, draft) {
  if (pathname !== "/" || !query.get("q")?.trim() || draft !== null) return;
  const lines = (...widths) => widths.map((width) => el("span", { class: `line ${width}` }));
  const group = () => el("div", { class: "group" }, ...lines("heading", "short", "wide"), ...lines("long", "long"));
  byId("main").replaceChildren(el("div", { class: "skeleton" }, el("p", { class: "tally" }, "Searching …"), group(), group()));
  announce("Searching.");
}

/** Navigate to a URL of this page; `replaced`: in place of the current one. */
function navigate(url, { replaced = false, draft = null } = {}) {
  history[replaced ? "replaceState" : "pushState"](draft === null ? null : { draft: true }, "", url);
  route({ draft, replaced });
}

/** Keep the current results for the back button. */
function keepView() {
  keptViews.delete(viewUrl);
  keptViews.set(viewUrl, { view, scroll: scrollY });
  if (keptViews.size > MAX_KEPT_VIEWS) {
    const [oldestUrl, { view: oldest }] = keptViews.entries().next().value;
    keptViews.delete(oldestUrl);
    if (oldest !== view) oldest.close();
  }
}

const isDraft = () => history.state?.draft === true;

function submit(event) {
  event?.preventDefault();
  clearTimeout(typing);
  const url = formUrl();
  const isSame = url === location.pathname + location.search;
  if (isSame && !isDraft() && !(view instanceof Problem)) return;
  navigate(url, { replaced: isDraft() || isSame });
}

/** Search while typing: the queries of one text take one entry of the history, until it is finished. */
function searchDraft() {
  const url = draftUrl();
  if (url === null || url === location.pathname + location.search) return;
  navigate(url, { replaced: isDraft(), draft: byId("q").value.trim() });
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
  if (isDraft()) history.replaceState(null, ""); // finished by its use
  navigate(url.pathname + url.search);
  byId("main").focus({ preventScroll: true });
}

history.scrollRestoration = "manual";
startDock();
byId("search").addEventListener("submit", submit);
byId("q").addEventListener("input", (event) => {
  clearTimeout(typing);
  if (!event.isComposing) typing = setTimeout(searchDraft, DRAFT_DELAY_MS);
});
byId("q").addEventListener("compositionend", () => (typing = setTimeout(searchDraft, DRAFT_DELAY_MS)));
for (const name of FILTERS) byId(name).addEventListener("change", () => byId("q").value.trim() && submit());
byId("help-button").addEventListener("click", showHelp);
byId("single").checked = localStorage.getItem("single-keys") !== "off";
byId("single").addEventListener("change", (event) => localStorage.setItem("single-keys", event.target.checked ? "on" : "off"));
addEventListener("popstate", () => route({ back: true }));
document.addEventListener("keydown", handleKey);
document.addEventListener("click", followLink);
offerFilters().catch((error) => announce(error.message));
route();

// The one audio element: what is heard, and the word that is being said.

import { audioAddress, whyNot } from "./api.js";
import { byId, toast } from "./dom.js";
import { CHUNK, wordsOf } from "./words.js";

/**
 * Events: `load` another recording, `state` playing or not, `time` about 60 times a second while it plays,
 * `word` with the place of the word that is being said.
 */
class Player extends EventTarget {
  constructor() {
    super();
    this.audio = byId("audio");
    this.recording = null;
    this.hit = null; // the hit that was asked for
    this.index = null; // of the word that is being said
    for (const name of ["play", "pause", "ended"]) this.audio.addEventListener(name, () => this.changed());
    for (const name of ["seeking", "timeupdate", "loadedmetadata"]) this.audio.addEventListener(name, () => this.moved());
    this.audio.addEventListener("error", () => this.failed());
  }

  get playing() {
    return !this.audio.paused && !this.audio.ended;
  }

  get time() {
    return this.audio.currentTime;
  }

  get duration() {
    return this.recording?.duration ?? 0;
  }

  /** Be ready to play a recording from a time on. */
  cue(recording, time, hit = null) {
    if (this.recording?.id !== recording.id) {
      this.recording = recording;
      this.index = null;
      this.words = wordsOf(recording.id);
      this.decoded = false;
      this.audio.src = audioAddress(recording.id);
      this.audio.playbackRate = this.audio.defaultPlaybackRate;
      this.dispatchEvent(new Event("load"));
    }
    this.hit = hit;
    this.audio.currentTime = Math.min(Math.max(0, time), recording.duration);
    this.moved();
  }

  /** Play a recording from a time on. */
  play(recording, time, hit = null) {
    this.cue(recording, time, hit);
    this.resume();
  }

  resume() {
    this.wanted = true;
    this.audio.play().catch((error) => {
      // Another click came first, or the element says itself what is wrong.
      if (error.name === "NotAllowedError") toast("The browser wants a click before it plays.");
    });
  }

  toggle() {
    this.wanted = !this.playing;
    if (this.playing) this.audio.pause();
    else this.resume();
  }

  seek(time) {
    this.audio.currentTime = Math.min(Math.max(0, time), this.duration);
    this.moved();
  }

  speed(rate) {
    this.audio.playbackRate = this.audio.defaultPlaybackRate = rate;
  }

  /** What this browser does not play, the server decodes. */
  async failed() {
    const { id } = this.recording;
    const { time, wanted } = this;
    this.changed();
    const reason = await whyNot(id);
    if (reason || this.decoded) return toast(reason ?? "This browser cannot play the recording.");
    this.decoded = true;
    this.audio.src = audioAddress(id, true);
    this.audio.currentTime = time;
    if (wanted) this.resume();
    return undefined;
  }

  changed() {
    this.dispatchEvent(new Event("state"));
    this.follow();
  }

  /** Tell the time as long as it plays. */
  follow() {
    if (this.following || !this.playing) return;
    this.following = true;
    const step = () => {
      this.moved();
      this.following = this.playing;
      if (this.following) requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  }

  moved() {
    if (!this.recording) return;
    this.dispatchEvent(new Event("time"));
    const index = this.saying();
    if (index !== null && index !== this.index) {
      this.index = index;
      this.dispatchEvent(new Event("word"));
    }
  }

  /** The word that is being said, or was last; null while it is not known. */
  saying() {
    const { words, time } = this;
    const found = words.find(time);
    if (found === null) {
      if (!words.asked) {
        words.asked = true; // once at a time
        words.at(time).catch(() => {}).finally(() => setTimeout(() => (words.asked = false), 300));
      }
      return null;
    }
    const next = Math.floor(found / CHUNK) + 1;
    if (found % CHUNK > CHUNK * 0.75 && next * CHUNK < (words.total ?? 0)) words.load(next).catch(() => {});
    return found > 0 && words.word(found).start > time ? found - 1 : found;
  }
}

export const player = new Player();

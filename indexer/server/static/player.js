// The audio element of the page, and the word at its current time.

import { audioError, audioUrl } from "./api.js";
import { byId, toast } from "./dom.js";
import { CHUNK, wordsOf } from "./words.js";

const AROUND = 15; // seconds around a hit that still belong to it

/**
 * Events: `load`: another recording; `state`: played or paused; `time`: about 60 times a second while playing;
 * `word`: the word at the current time changed, see `index`.
 */
class Player extends EventTarget {
  constructor() {
    super();
    this.audio = byId("audio");
    this.recording = null;
    this.hit = null; // list item of the hit that was played
    this.index = null; // of the current word
    for (const name of ["play", "pause", "ended"]) this.audio.addEventListener(name, () => this.updateState());
    for (const name of ["seeking", "timeupdate", "loadedmetadata"]) this.audio.addEventListener(name, () => this.updateTime());
    this.audio.addEventListener("error", () => this.playDecoded());
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

  /** Set recording and time without playing. */
  cue(recording, time, hit = null) {
    if (this.recording?.id !== recording.id) {
      this.recording = recording;
      this.index = null;
      this.words = wordsOf(recording.id);
      this.decoded = false;
      this.audio.src = audioUrl(recording.id);
      this.audio.playbackRate = this.audio.defaultPlaybackRate;
      this.dispatchEvent(new Event("load"));
    }
    const isOther = this.hit !== hit;
    this.hit = hit;
    this.audio.currentTime = Math.min(Math.max(0, time), recording.duration);
    this.updateTime();
    if (isOther) this.dispatchEvent(new Event("state"));
  }

  /** Play a recording from a time. */
  play(recording, time, hit = null) {
    this.cue(recording, time, hit);
    this.resume();
  }

  resume() {
    this.playRequested = true;
    this.audio.play().catch((error) => {
      // Other errors: another click interrupted this one, or the element has an error event.
      if (error.name === "NotAllowedError") toast("Click once: the browser does not play before a click.");
    });
  }

  toggle() {
    this.playRequested = !this.playing;
    if (this.playing) this.audio.pause();
    else this.resume();
  }

  /** Go to a time of the recording; a hit that is not near it is no longer the one that is played. */
  seek(time) {
    const { start, end } = this.hit?.hit?.hit ?? {};
    if (time < start - AROUND || time > end + AROUND) {
      this.hit = null;
      this.dispatchEvent(new Event("state"));
    }
    this.audio.currentTime = Math.min(Math.max(0, time), this.duration);
    this.updateTime();
  }

  setSpeed(rate) {
    this.audio.playbackRate = this.audio.defaultPlaybackRate = rate;
  }

  /** After an error, play the recording as decoded by the server. */
  async playDecoded() {
    const { id } = this.recording;
    const { time, playRequested } = this;
    this.updateState();
    const reason = await audioError(id);
    if (reason || this.decoded) return toast(reason ?? "This browser cannot play the recording.");
    this.decoded = true;
    this.audio.src = audioUrl(id, true);
    this.audio.currentTime = time;
    if (playRequested) this.resume();
    return undefined;
  }

  updateState() {
    this.dispatchEvent(new Event("state"));
    this.follow();
  }

  /** Update the time in every frame while playing. */
  follow() {
    if (this.following || !this.playing) return;
    this.following = true;
    const step = () => {
      this.updateTime();
      this.following = this.playing;
      if (this.following) requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  }

  updateTime() {
    if (!this.recording) return;
    this.dispatchEvent(new Event("time"));
    const index = this.wordIndex();
    if (index !== null && index !== this.index) {
      this.index = index;
      this.dispatchEvent(new Event("word"));
    }
  }

  /** Index of the last word that began by the current time; null if its chunk is not loaded. */
  wordIndex() {
    const { words, time } = this;
    const index = words.find(time);
    if (index === null) {
      if (!words.requested) {
        words.requested = true; // one request at a time
        words.at(time).catch(() => {}).finally(() => setTimeout(() => (words.requested = false), 300));
      }
      return null;
    }
    const next = Math.floor(index / CHUNK) + 1;
    if (index % CHUNK > CHUNK * 0.75 && next * CHUNK < (words.total ?? 0)) words.load(next).catch(() => {});
    return index > 0 && words.word(index).start > time ? index - 1 : index;
  }
}

export const player = new Player();

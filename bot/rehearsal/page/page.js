// The phones of a rehearsal. What is shown is asked from the server whenever it says that something has changed
// (see bot/rehearsal/control.py); nothing that people or the bot wrote is ever read as HTML.
"use strict";

const REST = 80; // real milliseconds between two looks at the phones
const TOAST_STAYS = 4000; // milliseconds
const narrow = matchMedia("(max-width: 719px)");
const still = matchMedia("(prefers-reduced-motion: reduce)");
const find = (id) => document.getElementById(id);

// --- Small words -----------------------------------------------------------------------------------------------------

function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-") || name === "role") element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children.filter((child) => child !== null && child !== ""));
  return element;
}

function icon(name, says) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  svg.setAttribute("class", "icon");
  use.setAttribute("href", `#${name}`);
  svg.append(use);
  if (!says) svg.setAttribute("aria-hidden", "true");
  else {
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", says);
    const title = document.createElementNS("http://www.w3.org/2000/svg", "title");
    title.textContent = says;
    svg.append(title);
  }
  return svg;
}

function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

async function act(path, wish) {
  try {
    const answer = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(wish),
    });
    const said = await answer.json();
    return said.ok ? { ok: true } : { ok: false, error: said.error ?? "This is not possible." };
  } catch {
    return { ok: false, error: "The rehearsal does not answer." };
  }
}

async function ask(path) {
  try {
    const answer = await fetch(path);
    return answer.ok ? await answer.json() : null;
  } catch {
    return null; // the server is away; the stream of news tells when it is back
  }
}

let noticeTimer;
function notice(text, stays = TOAST_STAYS) {
  clearTimeout(noticeTimer);
  put(find("notice"), text);
  if (text && stays) noticeTimer = setTimeout(notice, stays, "");
}

// --- Time ------------------------------------------------------------------------------------------------------------

const formats = new Map();
function written(instant, zone, language, options) {
  const locale = !language || language === "en" ? "en-GB" : language;
  const key = JSON.stringify([zone, locale, options]);
  if (!formats.has(key)) {
    formats.set(key, new Intl.DateTimeFormat(locale, { hourCycle: "h23", timeZone: zone, ...options }));
  }
  return formats.get(key).format(instant);
}

const HOUR = { hour: "2-digit", minute: "2-digit" };
const DAY = { weekday: "short", day: "numeric", month: "short" };
const LONG_DAY = { weekday: "long", day: "numeric", month: "long" };
const hourIn = (instant, zone) => Number(written(instant, zone, "en", { hour: "2-digit" }).slice(0, 2));
const placeOf = (zone) => zone.split("/").pop().replaceAll("_", " ");

function isZone(zone) {
  try {
    return Boolean(zone && new Intl.DateTimeFormat("en", { timeZone: zone }));
  } catch {
    return false;
  }
}

function localParts(instant, zone) {
  return written(instant, zone, "sv", { year: "numeric", month: "2-digit", day: "2-digit", ...HOUR }).replace(" ", "T");
}

// The instant at which clocks in the zone show `local`; an hour that exists twice is taken the first time, and one that
// does not exist moves forward.
function instantOf(local, zone) {
  const wanted = Date.parse(`${local}Z`);
  const offsetAt = (instant) => Date.parse(`${localParts(instant, zone)}Z`) - Math.floor(instant / 60000) * 60000;
  const before = wanted - offsetAt(wanted - 86400000);
  const after = wanted - offsetAt(wanted + 86400000);
  const fits = [before, after].filter((instant) => localParts(instant, zone) === local);
  return new Date(fits.length ? Math.min(...fits) : before);
}

function span(milliseconds) {
  const minutes = Math.round(milliseconds / 60000);
  const [days, hours, rest] = [Math.floor(minutes / 1440), Math.floor(minutes / 60) % 24, minutes % 60];
  if (days) return hours ? `${days} d ${hours} h` : `${days} d`;
  if (hours) return rest ? `${hours} h ${rest} min` : `${hours} h`;
  return `${minutes} min`;
}

// --- Clock -----------------------------------------------------------------------------------------------------------

const clock = { said: null, heard: 0, zone: "UTC", idleSince: 0 };

function nowShown() {
  const { said } = clock;
  const start = Date.parse(said.now);
  if (!said.flowing || !said.speed) return new Date(start);
  const moved = start + (performance.now() - clock.heard) * said.speed;
  return new Date(said.next ? Math.min(moved, Date.parse(said.next)) : moved);
}

function hearClock(said) {
  clock.said = said;
  clock.heard = performance.now();
  if (said.next) clock.idleSince = 0;
  else clock.idleSince ||= clock.heard;
  drawClock();
}

function drawClock() {
  if (!clock.said) return;
  const { said, zone } = clock;
  const now = nowShown();
  put(find("time"), written(now, zone, "en", HOUR));
  find("time").dateTime = now.toISOString();
  put(find("weekday"), `${written(now, zone, "en", { weekday: "long" })}`);
  put(find("date"), `${written(now, zone, "en", { day: "numeric", month: "long", year: "numeric" })}, ${placeOf(zone)}`);
  put(find("jump-zone"), `(${placeOf(zone)} time)`);
  drawAhead(now);
  const pace = said.paused ? "paused" : said.speed === null ? "fast" : String(said.speed);
  for (const choice of find("pace").elements) choice.checked = choice.value === pace;
  const calm = said.paused || (said.speed ?? Infinity) <= 60; // what rushes past is not read aloud
  for (const phone of phones.values()) phone.drawTime(now, calm);
}

// While the bot works nobody knows what comes next; only a lasting silence means that nothing does.
function drawAhead(now) {
  const next = clock.said.next && new Date(clock.said.next);
  if (next) {
    put(find("next-at"), `${written(next, clock.zone, "en", { ...DAY, ...HOUR })} · ${next - now < 60000 ? "now" : `in ${span(next - now)}`}`);
  } else if (performance.now() - clock.idleSince > 600) {
    put(find("next-at"), "Nothing is planned");
  }
  find("next").disabled = find("next-at").textContent === "Nothing is planned";
}

async function jump(wish) {
  const button = find("next");
  button.setAttribute("aria-busy", "true");
  const outcome = await act("/clock/control", wish);
  button.removeAttribute("aria-busy");
  if (!outcome.ok) notice(outcome.error);
}

function setUpClock() {
  setInterval(drawClock, 250);
  find("pace").addEventListener("change", async ({ target }) => {
    const fast = target.value === "fast";
    const wish = target.value === "paused" ? { paused: true } : { paused: false, speed: fast ? null : Number(target.value) };
    const outcome = await act("/clock/control", wish);
    if (!outcome.ok) notice(outcome.error);
  });
  find("next").addEventListener("click", () => jump({ jump: "next" }));
  const [button, form, field] = [find("jump-open"), find("jump"), find("jump-at")];
  const show = (open) => {
    form.hidden = !open;
    button.setAttribute("aria-expanded", String(open));
    if (open) {
      field.value = localParts(nowShown(), clock.zone);
      field.focus();
    }
  };
  button.addEventListener("click", () => show(form.hidden));
  document.addEventListener("pointerdown", ({ target }) => {
    if (!form.hidden && !target.closest(".jump")) show(false);
  });
  form.addEventListener("keydown", ({ key }) => {
    if (key !== "Escape") return;
    show(false);
    button.focus();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const wanted = instantOf(field.value.slice(0, 16), clock.zone);
    if (wanted <= nowShown()) {
      notice("This moment has passed.");
      return;
    }
    show(false);
    button.focus();
    jump({ jump: wanted.toISOString() });
  });
}

function setUpTheme() {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const root = document.documentElement;
  const remembered = () => {
    try {
      return localStorage.getItem("theme");
    } catch {
      return null;
    }
  };
  const draw = (theme) => {
    root.dataset.theme = theme;
    find("theme").setAttribute("aria-pressed", String(theme === "dark"));
    find("theme").querySelector("use").setAttribute("href", theme === "dark" ? "#sun" : "#moon");
  };
  draw(remembered() ?? (dark.matches ? "dark" : "light"));
  dark.addEventListener("change", () => remembered() ?? draw(dark.matches ? "dark" : "light"));
  find("theme").addEventListener("click", () => {
    const theme = root.dataset.theme === "dark" ? "light" : "dark";
    draw(theme);
    try {
      localStorage.setItem("theme", theme);
    } catch {
      // A browser that keeps nothing still shows the chosen colours until it is closed.
    }
  });
}

// --- Words with their marks ------------------------------------------------------------------------------------------

const TAGS = { bold: "strong", italic: "em", underline: "u", strikethrough: "s", code: "code", pre: "pre" };

// Entities are nested or apart; offsets count UTF-16 code units, as strings do here.
function marked(text, entities, phone) {
  const whole = document.createDocumentFragment();
  const sorted = [...entities].sort((one, other) => one.offset - other.offset || other.length - one.length);
  fill(whole, text, 0, text.length, sorted, phone);
  return whole;
}

function fill(parent, text, from, to, entities, phone) {
  let at = from;
  let rest = entities;
  while (rest.length) {
    const [entity, ...others] = rest;
    const start = Math.max(entity.offset, at);
    const end = Math.min(entity.offset + entity.length, to);
    rest = others;
    if (end <= start) continue;
    parent.append(text.slice(at, start));
    const element = entityElement(entity, text.slice(start, end), phone);
    if (!element.childNodes.length) fill(element, text, start, end, others.filter((inner) => inner.offset < end), phone);
    parent.append(element);
    rest = others.filter((later) => later.offset + later.length > end);
    at = end;
  }
  parent.append(text.slice(at, to));
}

function entityElement(entity, words, phone) {
  const { type } = entity;
  if (TAGS[type]) return make(TAGS[type]);
  if (type === "blockquote") return make("blockquote");
  if (type === "expandable_blockquote") return unfolding(make("blockquote", { className: "folded" }), "Show all of it");
  if (type === "spoiler") return unfolding(make("span", { className: "spoiler" }), "Hidden; press to read");
  if (type === "date_time") return timeElement(entity, words, phone);
  if (type === "bot_command") return make("button", { type: "button", className: "link", onclick: () => phone.say(words) }, words);
  if (type === "text_link" || type === "url") return linkElement(entity.url ?? words, words, phone);
  if (type === "email") return make("a", { href: `mailto:${words}` }, words);
  if (["mention", "text_mention", "hashtag", "cashtag", "phone_number"].includes(type)) return make("span", { className: "tag" });
  return make("span");
}

function unfolding(element, says) {
  const open = (event) => {
    if (element.classList.contains("open") || (event.key && !["Enter", " "].includes(event.key))) return;
    event.preventDefault();
    event.stopPropagation();
    element.classList.add("open");
    for (const name of ["role", "tabindex", "aria-label"]) element.removeAttribute(name);
  };
  element.addEventListener("click", open);
  element.addEventListener("keydown", open);
  element.setAttribute("role", "button");
  element.setAttribute("aria-label", says);
  element.tabIndex = 0;
  return element;
}

const TIME_PARTS = {
  t: HOUR,
  T: { ...HOUR, second: "2-digit" },
  d: { day: "2-digit", month: "2-digit", year: "2-digit" },
  D: { day: "numeric", month: "long", year: "numeric" },
  w: { weekday: "long" },
};

// Telegram shows such a time in the zone and language of the phone; a phone without a zone keeps the written words.
function timeElement(entity, words, phone) {
  const instant = new Date(entity.unix_time * 1000);
  const options = Object.assign({}, ...[...(entity.date_time_format ?? "")].map((letter) => TIME_PARTS[letter] ?? {}));
  const own = phone.zone && Object.keys(options).length;
  const shown = own ? written(instant, phone.zone, phone.language, options) : words;
  return make("time", { dateTime: instant.toISOString(), title: `Written as: ${words}` }, shown);
}

function asLink(written_) {
  try {
    const link = new URL(/^[a-z]+:/i.test(written_) ? written_ : `https://${written_}`);
    return ["http:", "https:", "tg:", "mailto:"].includes(link.protocol) ? link : null;
  } catch {
    return null;
  }
}

function isDeep(link) {
  if (link.protocol === "tg:") return link.host === "resolve";
  const here = ["t.me", "telegram.me"].includes(link.host) && /^\/\w+\/?$/.test(link.pathname);
  return here && (link.searchParams.has("start") || !link.search);
}

function linkElement(address, words, phone) {
  const link = asLink(address);
  if (!link) return make("span", {}, words);
  if (isDeep(link)) {
    return make("button", { type: "button", className: "link", "aria-haspopup": "dialog", onclick: () => phone.offer(address) }, words);
  }
  return make("a", { href: link.href, target: "_blank", rel: "noopener noreferrer" }, words);
}

// --- One message -----------------------------------------------------------------------------------------------------

const SERVICE = {
  new_chat_members: "joined the group",
  left_chat_member: "left the group",
  pinned_message: "pinned a message",
  forum_topic_created: "opened a topic",
};

function size(bytes) {
  if (bytes < 1024) return `${bytes} bytes`;
  return bytes < 1024 * 1024 ? `${Math.round(bytes / 1024)} kB` : `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}

function fileElement(message) {
  const { file } = message;
  if (file.mime.startsWith("image/") && file.kind !== "document") {
    return make("img", { className: "picture", src: file.url, alt: message.text ? "Picture" : "Picture without words" });
  }
  const name = file.name || { voice: "Voice message", video: "Video", audio: "Music" }[file.kind] || "File";
  const about = make("span", {}, make("b", {}, name), make("small", {}, size(file.size)));
  return make("a", { className: "chip", href: file.url, download: file.name ?? "" }, icon("file"), about);
}

function pollElement(poll) {
  const options = poll.options.map((option) => make("li", {}, option.text));
  return make("div", { className: "poll" }, make("b", {}, poll.question), make("ul", {}, ...options));
}

function messageElement(message, day, phone) {
  const zone = phone.zone ?? clock.zone;
  const item = make("li", { className: message.mine ? "mine" : "theirs" });
  item.dataset.message = message.id;
  if (day) item.append(make("p", { className: "divider" }, day));
  if (message.service) {
    item.append(make("p", { className: "divider" }, `${message.from} ${SERVICE[message.service] ?? "changed the group"}`));
    return item;
  }
  const bubble = make("article", { className: "bubble", tabIndex: -1, "aria-label": message.mine ? "You" : message.from });
  if (phone.inGroup && !message.mine) bubble.append(make("p", { className: "from" }, message.from));
  const replied = message.reply_to && phone.messages.get(message.reply_to)?.message;
  if (replied) {
    const quoted = make("button", { type: "button", className: "quoted", onclick: () => phone.walkTo(replied.id) });
    quoted.append(make("b", {}, replied.mine ? "You" : replied.from), make("span", {}, replied.text.slice(0, 120) || "Picture or file"));
    bubble.append(quoted);
  }
  if (message.file) bubble.append(fileElement(message));
  if (message.poll) bubble.append(pollElement(message.poll));
  if (message.text) bubble.append(make("p", { className: "words" }, marked(message.text, message.entities, phone)));
  bubble.append(marks(message, zone, phone.language));
  item.append(bubble);
  if (message.buttons.length) item.append(buttonRows(message, phone));
  return item;
}

function marks(message, zone, language) {
  const line = make("p", { className: "marks" });
  if (message.reactions.length) line.append(make("span", { className: "reactions" }, message.reactions.join(" ")));
  if (message.protected) line.append(icon("lock", "Cannot be forwarded or saved"));
  if (message.silent) line.append(icon("silent", "Sent without a sound"));
  if (message.edited) line.append(make("span", {}, "edited"));
  const at = new Date(message.at);
  line.append(make("time", { dateTime: message.at, title: written(at, zone, "en", { ...LONG_DAY, ...HOUR }) }, written(at, zone, language, HOUR)));
  return line;
}

function buttonRows(message, phone) {
  const rows = message.buttons.map((row) => make("div", {}, ...row.map((button) => buttonElement(message, button, phone))));
  return make("div", { className: "buttons", role: "group", "aria-label": "Buttons" }, ...rows);
}

function buttonElement(message, button, phone) {
  const link = button.action === "url" ? asLink(button.value) : null;
  if (link && !isDeep(link)) {
    return make("a", { href: link.href, target: "_blank", rel: "noopener noreferrer" }, button.text, make("span", { className: "out", "aria-hidden": "true" }, " ↗"));
  }
  const press = () => {
    if (link) phone.offer(button.value);
    else if (button.action === "copy_text") copy(button.value.text);
    else phone.do("press", { message: message.id, button: button.action === "callback_data" ? button.value : button.text });
  };
  return make("button", { type: "button", onclick: press }, button.text);
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    notice("Copied.");
  } catch {
    notice("This browser does not allow copying here.");
  }
}

// --- One phone -------------------------------------------------------------------------------------------------------

class Phone {
  constructor(said) {
    this.person = said.person;
    this.id = said.id;
    this.messages = new Map(); // id -> {key, element, message}
    this.drafts = new Map(); // chat -> text
    this.atBottom = true;
    this.below = 0;
    this.toldUpTo = null;
    this.element = find("phone-template").content.firstElementChild.cloneNode(true);
    this.element.id = `phone-${this.id}`;
    this.element.setAttribute("aria-label", `${this.person}'s phone`);
    this.part("h2").textContent = this.person;
    this.part(".initial").textContent = [...this.person][0] ?? "";
    this.tab = make("button", { type: "button", "aria-controls": this.element.id, onclick: () => this.show() });
    this.tab.append(make("span", {}, this.person), make("span", { className: "dot" }));
    this.listen();
  }

  part(selector) {
    return this.element.querySelector(selector);
  }

  listen() {
    const scroll = this.part(".scroll");
    const settle = () => this.atBottom && (scroll.scrollTop = scroll.scrollHeight);
    const watch = new ResizeObserver(settle);
    watch.observe(scroll);
    watch.observe(this.part(".messages"));
    scroll.addEventListener("scroll", () => {
      const near = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 48;
      if (near) this.below = 0;
      if (near || scroll.scrollTop < this.top) this.atBottom = near; // a picture that grows is no reader who scrolls up
      this.top = scroll.scrollTop;
      this.drawBelow();
    });
    scroll.addEventListener("keydown", (event) => this.walk(event));
    this.part(".messages").addEventListener("click", ({ target }) => {
      const chosen = target.closest(".bubble");
      if (!chosen || target.closest("a, button, [role=button]") || String(getSelection())) return;
      this.replyTo(Number(chosen.parentElement.dataset.message));
    });
    this.part(".below").addEventListener("click", () => this.toBottom());
    this.part(".pinned").addEventListener("click", () => this.walkTo(this.chat.pinned.at(-1)));
    this.part(".more").addEventListener("click", () => this.offerMore());
    this.listenToComposer();
  }

  listenToComposer() {
    const [form, field, file] = [this.part(".composer"), this.part("textarea"), this.part("input[type=file]")];
    field.setAttribute("aria-label", `Message from ${this.person}`);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.send();
    });
    field.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.replyTo(null);
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.send();
    });
    this.part(".replying button").addEventListener("click", () => this.replyTo(null));
    this.part(".commands").addEventListener("click", () => this.offerCommands());
    this.part(".attach").addEventListener("click", () => file.click());
    this.part(".begin").addEventListener("click", () => this.do(this.chat?.blocked ? "unblock" : "start"));
    file.addEventListener("change", () => this.attach(file));
  }

  // What the person does

  async do(act_, wish = {}) {
    const chat = this.chat ? { chat: this.chat.chat } : {};
    const outcome = await act(`/phones/${this.id}/${act_}`, { ...chat, ...wish });
    if (!outcome.ok) this.toast(outcome.error);
    return outcome.ok;
  }

  say(text) {
    this.atBottom = true;
    return this.do("say", { text });
  }

  async send() {
    const field = this.part("textarea");
    const text = field.value;
    if (!text.trim()) return;
    const wish = this.answered ? { text, reply_to: this.answered } : { text };
    this.atBottom = true;
    field.value = "";
    this.replyTo(null);
    if (!(await this.do("say", wish)) && !field.value) field.value = text;
  }

  attach(input) {
    const [file] = input.files;
    if (!file) return;
    const reader = new FileReader();
    reader.onload = () => {
      const field = this.part("textarea");
      const wish = { data: reader.result.split(",")[1] ?? "", name: file.name, caption: field.value };
      field.value = "";
      this.atBottom = true;
      this.do(/^image\/(png|jpeg)$/.test(file.type) ? "photo" : "document", wish);
    };
    reader.readAsDataURL(file);
    input.value = "";
  }

  replyTo(number) {
    const message = number && this.messages.get(number)?.message;
    this.answered = message ? number : null;
    this.part(".replying").hidden = !message;
    put(this.part(".replying p"), message ? `Reply to: ${message.text.slice(0, 120) || "Picture or file"}` : "");
    if (message) this.part("textarea").focus();
  }

  // Walking through the messages by keyboard

  walk(event) {
    const bubbles = [...this.element.querySelectorAll(".bubble")];
    const at = bubbles.indexOf(document.activeElement);
    if (at < 0 && document.activeElement !== event.currentTarget) return;
    if (event.key === "Enter" && at >= 0) this.replyTo(Number(bubbles[at].parentElement.dataset.message));
    const to = { ArrowUp: at < 0 ? bubbles.length - 1 : at - 1, ArrowDown: at + 1, Home: 0, End: bubbles.length - 1 }[event.key];
    if (to === undefined && event.key !== "Enter") return;
    event.preventDefault();
    bubbles[Math.max(0, Math.min(to, bubbles.length - 1))]?.focus();
  }

  walkTo(number) {
    const bubble = this.messages.get(number)?.element.querySelector(".bubble");
    if (!bubble) return;
    bubble.focus({ preventScroll: true });
    const scroll = this.part(".scroll");
    scroll.scrollTop += bubble.getBoundingClientRect().top - scroll.getBoundingClientRect().top - 80;
  }

  toBottom() {
    const scroll = this.part(".scroll");
    this.atBottom = true;
    scroll.scrollTo({ top: scroll.scrollHeight, behavior: still.matches ? "auto" : "smooth" });
    scroll.focus({ preventScroll: true });
  }

  show() {
    const all = find("phones");
    all.scrollTo({ left: this.element.offsetLeft - all.offsetLeft, behavior: still.matches ? "auto" : "smooth" });
    markTab(this);
  }

  // Sheets: what a phone asks or offers, over its own screen

  sheet(title, choices, { alert = false } = {}) {
    const sheet = this.part(".sheet");
    const back = document.activeElement;
    const close = () => {
      if (!sheet.open) return;
      sheet.close();
      this.part(".app").inert = false;
      if (this.element.contains(back) && back.isConnected) back.focus({ preventScroll: true });
    };
    const buttons = choices.map(({ label, hint, run }) => {
      const button = make("button", { type: "button" }, make("b", {}, label), hint ? make("small", {}, hint) : null);
      button.addEventListener("click", () => {
        close();
        run?.();
      });
      return button;
    });
    const heading = make("h4", { id: `sheet-${this.id}` }, title);
    sheet.replaceChildren(make("div", { className: alert ? "card alert" : "card" }, heading, ...buttons));
    sheet.setAttribute("role", alert ? "alertdialog" : "dialog");
    sheet.setAttribute("aria-labelledby", heading.id);
    sheet.onclick = ({ target }) => target === sheet && !alert && close();
    sheet.onkeydown = (event) => event.key === "Escape" && close();
    if (sheet.open) sheet.close();
    const inUse = this.element.contains(back) || document.activeElement === document.body;
    sheet.show();
    this.part(".app").inert = true;
    if (inUse) buttons[0]?.focus({ preventScroll: true });
    else back?.focus?.({ preventScroll: true });
  }

  offer(link) {
    const own = { label: "Open here", hint: `on ${this.person}'s phone`, run: () => this.do("open", { link }) };
    const others = [...phones.values()].filter((other) => other !== this);
    const elsewhere = others.map((other) => ({ label: `Open on ${other.person}'s phone`, run: () => other.openFromElsewhere(link) }));
    this.sheet("A link to the bot", [...elsewhere, own, { label: "Copy the link", run: () => copy(link) }, { label: "Close" }]);
  }

  openFromElsewhere(link) {
    if (narrow.matches) this.show();
    this.atBottom = true;
    this.do("open", { link });
  }

  offerCommands() {
    const commands = Object.entries(this.chat?.commands ?? {});
    const choices = commands.map(([name, hint]) => ({ label: `/${name}`, hint, run: () => this.say(`/${name}`) }));
    this.sheet(choices.length ? "Commands" : "The bot has no commands here", [...choices, { label: "Close" }]);
  }

  offerMore() {
    const choices = [];
    if (this.chat?.kind === "private") {
      const { blocked } = this.chat;
      choices.push(blocked ? { label: "Unblock the bot", run: () => this.do("unblock") } : { label: "Block the bot", run: () => this.do("block") });
      choices.push({ label: "Start again", hint: "/start", run: () => this.do("start") });
    }
    this.sheet(`${this.person}'s phone`, [...choices, { label: "Close" }]);
  }

  toast(text) {
    clearTimeout(this.toastTimer);
    put(this.part(".toast"), text);
    this.toastTimer = setTimeout(() => put(this.part(".toast"), ""), TOAST_STAYS);
  }

  // What the server says

  update(said) {
    this.said = said;
    this.language = said.language;
    if (said.zone !== this.saidZone) {
      this.saidZone = said.zone;
      this.zone = isZone(said.zone) ? said.zone : null;
      this.forget();
    }
    const chat = said.chats.find(({ chat: id }) => id === this.chosen) ?? said.chats[0] ?? null;
    if (chat?.chat !== this.chat?.chat) this.enter(chat);
    this.chat = chat;
    this.inGroup = Boolean(chat && chat.kind !== "private");
    put(this.part("h3"), chat?.title ?? "No chat yet");
    this.drawChats();
    this.drawNotification(said.notification);
    this.drawMessages(chat?.messages ?? []);
    this.drawPinned(chat?.pinned ?? []);
    this.drawComposer(chat);
    this.hearToasts(chat?.toasts ?? []);
  }

  enter(chat) {
    const field = this.part("textarea");
    if (this.chat) this.drafts.set(this.chat.chat, field.value);
    field.value = this.drafts.get(chat?.chat) ?? field.value;
    this.replyTo(null);
    this.toldUpTo = null;
    this.forget();
  }

  forget() {
    this.messages.clear();
    this.part(".messages").replaceChildren();
    this.atBottom = true;
    this.below = 0;
    this.fresh = true;
  }

  drawTime(now, calm) {
    this.part(".messages").setAttribute("aria-live", calm ? "polite" : "off");
    const zone = this.zone ?? clock.zone;
    const hour = hourIn(now, zone);
    put(this.part(".hour"), written(now, zone, this.language, HOUR));
    put(this.part(".day"), `${written(now, zone, this.language, DAY)} · ${placeOf(zone)}`);
    this.element.dataset.light = hour < 6 || hour >= 22 ? "night" : hour < 9 ? "dawn" : hour < 18 ? "day" : "dusk";
  }

  drawNotification(note) {
    if (!note || note.number === this.noted) return;
    const arrived = !this.fresh;
    this.noted = note.number;
    const at = new Date(note.at);
    put(this.part(".note-title"), note.title);
    put(this.part(".note-text"), note.text || "Message");
    put(this.part(".note-at"), written(at, this.zone ?? clock.zone, this.language, HOUR));
    this.part(".note-mark").replaceChildren(...(note.silent ? [icon("silent", "Without a sound")] : []));
    if (arrived) animate(this.part(".note"), [{ opacity: 0, transform: "translateY(-10px)" }, {}], 320);
    if (arrived) this.markUnread();
  }

  markUnread() {
    if (narrow.matches && shownPhone !== this) this.tab.dataset.unread = "true";
  }

  drawChats() {
    const bar = this.part(".chats");
    const { chats } = this.said;
    bar.hidden = chats.length < 2;
    const key = JSON.stringify([chats.map(({ chat, title }) => [chat, title]), this.chat?.chat]);
    if (bar.hidden || key === bar.dataset.key) return;
    bar.dataset.key = key;
    const choose = (chat) => {
      this.chosen = chat.chat;
      this.update(this.said);
      this.part(".chats [aria-pressed=true]").focus();
    };
    const choice = (chat) => {
      const pressed = String(chat.chat === this.chat.chat);
      return make("button", { type: "button", "aria-pressed": pressed, onclick: () => choose(chat) }, chat.title);
    };
    bar.replaceChildren(...chats.map(choice));
  }

  drawMessages(said) {
    const list = this.part(".messages");
    const zone = this.zone ?? clock.zone;
    const present = new Set(said.map(({ id }) => id));
    for (const [id, { element }] of this.messages) {
      if (present.has(id)) continue;
      this.messages.delete(id);
      if (this.answered === id) this.replyTo(null);
      vanish(element);
    }
    let day = "";
    let added = 0;
    const known = new Map(said.map((message) => [message.id, message]));
    for (const message of said) {
      const today = written(new Date(message.at), zone, this.language, LONG_DAY);
      const replied = known.get(message.reply_to);
      const key = JSON.stringify([message, today === day ? "" : today, replied?.text, this.inGroup]);
      const old = this.messages.get(message.id);
      if (old?.key !== key) {
        this.messages.set(message.id, { ...old, message });
        const element = messageElement(message, today === day ? "" : today, this);
        if (old) this.replace(old.element, element, old.message.edited !== message.edited);
        else list.append(element);
        this.messages.set(message.id, { key, element, message });
        if (!old) added += 1;
        if (!old && !this.fresh && added <= 3) animate(element, [{ opacity: 0, transform: "translateY(8px)" }, {}], 220);
        if (!old && !message.mine && !this.fresh && !this.atBottom) this.below += 1;
      }
      day = today;
    }
    this.part(".empty").hidden = said.length > 0;
    if (this.fresh || (added && this.atBottom)) this.part(".scroll").scrollTop = this.part(".scroll").scrollHeight;
    this.fresh = false;
    this.drawBelow();
  }

  // A changed message keeps the keyboard's place: the button with the same number, else its bubble.
  replace(old, element, edited) {
    const reachable = "button, a, [tabindex]";
    const place = [...old.querySelectorAll(reachable)].indexOf(document.activeElement);
    old.replaceWith(element);
    if (place >= 0) ([...element.querySelectorAll(reachable)][place] ?? element.querySelector(".bubble"))?.focus({ preventScroll: true });
    const bubble = element.querySelector(".bubble");
    if (edited && bubble) animate(bubble, [{ opacity: 0.55 }, {}], 260);
  }

  drawBelow() {
    const button = this.part(".below");
    button.hidden = this.atBottom;
    put(this.part(".count"), this.below ? String(this.below) : "");
    button.setAttribute("aria-label", this.below ? `To the newest message, ${this.below} new` : "To the newest message");
  }

  drawPinned(pinned) {
    const message = this.messages.get(pinned.at(-1))?.message;
    this.part(".pinned").hidden = !message;
    if (message) put(this.part(".pinned span"), message.text.split("\n")[0] || "Pinned message");
  }

  drawComposer(chat) {
    const begin = this.part(".begin");
    const waits = !chat || chat.blocked || (chat.kind === "private" && !chat.messages.length);
    begin.hidden = !waits;
    put(begin, chat?.blocked ? "Unblock" : "Start");
    this.part(".line").hidden = waits;
    const keyboard = this.part(".keyboard");
    const rows = chat?.keyboard ?? [];
    keyboard.hidden = waits || !rows.length;
    const key = JSON.stringify(rows);
    if (key === keyboard.dataset.key) return;
    keyboard.dataset.key = key;
    const button = (label) => make("button", { type: "button", onclick: () => this.say(label) }, label);
    keyboard.replaceChildren(...rows.map((row) => make("div", {}, ...row.map(button))));
  }

  hearToasts(toasts) {
    const last = toasts.at(-1)?.number ?? 0;
    const fresh = this.toldUpTo === null ? [] : toasts.filter(({ number }) => number > this.toldUpTo);
    this.toldUpTo = last;
    for (const toast of fresh) {
      if (toast.alert) this.sheet(toast.text, [{ label: "OK" }], { alert: true });
      else this.toast(toast.text);
    }
  }
}

function animate(element, frames, duration) {
  if (!still.matches && !document.hidden) element.animate(frames, { duration, easing: "ease-out" });
}

function vanish(element) {
  element.removeAttribute("data-message");
  element.inert = true;
  if (still.matches || document.hidden) {
    element.remove();
    return;
  }
  element.style.overflow = "hidden";
  const from = { opacity: 1, height: `${element.offsetHeight}px` };
  const to = { opacity: 0, height: "0px", margin: "0px", transform: "scale(.96)" };
  element.animate([from, to], { duration: 300, easing: "ease-in-out", fill: "forwards" }).finished.finally(() => element.remove());
}

// --- All phones ------------------------------------------------------------------------------------------------------

const phones = new Map(); // person's number -> Phone
let shownPhone = null;

function markTab(phone) {
  shownPhone = phone;
  for (const other of phones.values()) other.tab.setAttribute("aria-current", String(other === phone));
  delete phone.tab.dataset.unread;
}

const shown = new IntersectionObserver(
  (entries) => {
    const entry = entries.find(({ isIntersecting }) => isIntersecting);
    const phone = entry && [...phones.values()].find(({ element }) => element === entry.target);
    if (phone) markTab(phone);
  },
  { root: find("phones"), threshold: 0.6 },
);

// The clock shows the zone of most of the people.
function commonZone(said) {
  const zones = said.map(({ zone }) => zone).filter(isZone);
  const count = (zone) => zones.filter((other) => other === zone).length;
  return zones.reduce((best, zone) => (count(zone) > count(best) ? zone : best), zones[0]) ?? "UTC";
}

// The time comes with the news alone: an answer that was on its way meanwhile may be older than the last of them.
function drawPhones(said) {
  clock.zone = commonZone(said);
  const present = new Set(said.map(({ id }) => id));
  for (const [id, phone] of phones) {
    if (present.has(id)) continue;
    shown.unobserve(phone.element);
    phone.element.remove();
    phone.tab.remove();
    phones.delete(id);
  }
  for (const person of said) {
    if (!phones.has(person.id)) {
      const phone = new Phone(person);
      phones.set(person.id, phone);
      find("phones").append(phone.element);
      find("tabs").append(phone.tab);
      shown.observe(phone.element);
      if (phones.size === 1) markTab(phone);
    }
    phones.get(person.id).update(person);
  }
  drawClock();
}

// --- The script, when one is played -----------------------------------------------------------------------------------

async function drawScript() {
  const said = await ask("/script");
  find("script").hidden = !said;
  if (!said) return;
  const { step = 0, of = 0, line = "", done = false, verdict = null } = said;
  find("script-progress").max = of || 1;
  find("script-progress").value = done ? of || 1 : step;
  put(find("script-count"), of ? `${step} of ${of}` : "");
  put(find("script-line"), done && typeof verdict === "string" ? verdict : line);
  find("script").dataset.done = String(done);
}

// --- News ------------------------------------------------------------------------------------------------------------

let looking = false;
let lookAgain = false;

// At most one look at a time, and one more if anything has happened since it began.
async function look() {
  if (looking) {
    lookAgain = true;
    return;
  }
  looking = true;
  try {
    do {
      lookAgain = false;
      const said = await ask("/phones");
      if (said) drawPhones(said.phones);
      await drawScript();
      await new Promise((resume) => setTimeout(resume, REST));
    } while (lookAgain);
  } finally {
    looking = false;
  }
}

function listen() {
  const events = new EventSource("/events");
  events.onopen = () => {
    document.documentElement.dataset.connected = "true";
    notice("");
    look();
  };
  events.onmessage = ({ data }) => {
    hearClock(JSON.parse(data).clock);
    look();
  };
  events.onerror = () => {
    document.documentElement.dataset.connected = "false";
    notice("The rehearsal does not answer. Trying again…", 0);
    if (events.readyState !== EventSource.CLOSED) return;
    setTimeout(listen, 2000); // the browser gives up when the answer was not a stream
  };
}

setUpTheme();
setUpClock();
listen();

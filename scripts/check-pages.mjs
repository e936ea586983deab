// Called by scripts/check-pages, which starts the service: what a person, a keyboard and axe-core meet.
import { createRequire } from "node:module";
import { mkdirSync, readFileSync } from "node:fs";

const { ADDRESS, BIG, HOSTILE, COMMITS, SHOTS, TOOLS } = process.env;
const require = createRequire(`${TOOLS}/package.json`);
const puppeteer = require("puppeteer-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

let failures = 0;
const check = (name, holds, detail = "") => {
  console.log(`${holds ? "ok  " : "FAIL"} ${name}${holds ? "" : ` ${detail}`}`);
  failures += holds ? 0 : 1;
};
const ask = async (change) => {
  const headers = { "content-type": "application/json" };
  const answer = await fetch(`${ADDRESS}/v1/score`, { method: "POST", headers, body: JSON.stringify({ change }) });
  return answer.json();
};

const answers = [];
for (const commit of COMMITS.split(",")) answers.push(await ask({ repo: "sample", commit }));
const posted = "--- a/x.yaml\n+++ b/x.yaml\n@@ -1 +1 @@\n-timeout: 30s\n+timeout: 3s\n";
answers.push(await ask({ repo: "elsewhere", id: "pr/1", author: "a", message: "shorter", diff: posted }));
answers.push(await ask({ repo: "elsewhere", commit: "a".repeat(40) }));
const big = await ask({ repo: "sample", commit: BIG });
const hostile = await ask({ repo: "sample", commit: HOSTILE });
const slowed = answers.find((answer) => answer.decision === "extra_validation" && !answer.degraded);
const fast = answers.find((answer) => answer.decision === "fast_path");
const doubted = answers.at(-1);
const unread = answers.at(-2);
// What landed before the newest commit.
const suspected = `/suspects?repo=sample&at=${hostile.history.as_of}`;
const pages = {
  list: "/",
  nothing: "/?q=nothing-like-this",
  decision: slowed.links.page,
  fast: fast.links.page,
  doubted: doubted.links.page,
  unread: unread.links.page,
  big: big.links.page,
  hostile: hostile.links.page,
  suspects: "/suspects",
  suspected,
  model: "/model",
  missing: "/decisions/none",
};
check("the 500-file change is scored", big.risk !== null, JSON.stringify(big.reasons));

const browser = await puppeteer.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"],
});
const open = async ({ width = 1280, height = 900, scheme = "light", script = true } = {}) => {
  const page = await browser.newPage();
  page.said = [];
  page.asked = [];
  page.on("console", (message) => page.said.push(message.text()));
  page.on("request", (request) => page.asked.push(request.url()));
  await page.setViewport({ width, height, deviceScaleFactor: width < 500 ? 2 : 1 });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  await page.setJavaScriptEnabled(script);
  return page;
};
if (SHOTS) mkdirSync(SHOTS, { recursive: true });

for (const [look, options] of Object.entries({
  desktop: {}, dark: { scheme: "dark" }, phone: { width: 390, height: 844 },
  "phone-dark": { width: 390, height: 844, scheme: "dark" }, narrow: { width: 320, height: 640 },
})) {
  for (const [name, path] of Object.entries(pages)) {
    const page = await open(options);
    await page.goto(ADDRESS + path);
    if (SHOTS) await page.screenshot({ path: `${SHOTS}/${name}-${look}.png`, fullPage: true });
    const own = page.asked.every((url) => url.startsWith(ADDRESS) || url.startsWith("data:"));
    check(`${name} ${look}: nothing from elsewhere`, own, page.asked.join(" "));
    const refused = page.said.filter((text) => !text.includes("404"));
    check(`${name} ${look}: no complaint of the browser`, refused.length === 0, refused.join("; "));
    const overflow = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
    check(`${name} ${look}: no sideways scrolling`, overflow <= 0, `${overflow} px`);
    await page.evaluate(axe);
    const { violations } = await page.evaluate("axe.run(document, { resultTypes: ['violations'] })");
    const told = violations.map((it) => `${it.id}: ${it.nodes.map((node) => node.html.slice(0, 160)).slice(0, 3).join(" | ")}`);
    check(`${name} ${look}: axe-core finds nothing`, violations.length === 0, told.join("\n     "));
    await page.close();
  }
}

// Elements and attributes that would load, run or leave, none of which is ours.
const countAlive = () => {
  const tags = ["SCRIPT", "IMG", "IFRAME", "OBJECT", "EMBED", "BASE"];
  const leaves = ({ name, value }) =>
    ["href", "src", "action", "formaction", "xlink:href"].includes(name) && !/^([/#?]|data:image\/svg)/.test(value);
  const isAlive = (it) => tags.includes(it.tagName) || it.hasAttribute("http-equiv")
    || [...it.attributes].some((of) => of.name.startsWith("on") || of.name === "style" || leaves(of));
  return [...document.querySelectorAll("*")].filter(isAlive).length;
};

// Hostile words in author, message, path, key and value: nothing of them comes alive, on any page.
for (const path of ["/", hostile.links.page, "/?q=%3Cscript%3Ealert(1)%3C/script%3E", suspected, "/model"]) {
  const page = await open();
  let opened = 0;
  page.on("dialog", async (dialog) => {
    opened += 1;
    await dialog.dismiss();
  });
  await page.goto(ADDRESS + path);
  const alive = await page.evaluate(countAlive);
  check(`hostile words at ${path}: no element of theirs`, alive === 0 && opened === 0, `${alive} elements, ${opened} dialogs`);
  const unseen = await page.evaluate("/[\\u0000-\\u0008\\u000b-\\u001f\\u200b-\\u200f\\u202a-\\u202e\\u2066-\\u2069]/.test(document.body.innerText)");
  check(`hostile words at ${path}: no character that nobody sees`, !unseen);
  await page.close();
}
{
  const page = await open();
  await page.goto(ADDRESS + hostile.links.page);
  const text = await page.evaluate("document.body.innerText");
  check("hostile words are shown as letters", text.includes("<script>alert(1)</script>") && text.includes("⟨U+202E⟩"));
  await page.close();
}

// The suspects: a share each, all of them together everything, and the list of the repositories to choose from.
{
  const page = await open();
  await page.goto(ADDRESS + suspected);
  const text = await page.evaluate("document.body.innerText");
  check("the suspects have shares and titles", (await page.$$eval(".suspect .share b", (all) => all.length)) >= 3
    && (await page.$$eval(".suspect .what bdi:first-child", (all) => all.every((it) => it.innerText.length > 0))));
  check("the suspects say what landed when", /\d+ changes landed from .+ UTC to .+ UTC/.test(text));
  await page.close();
}

// The model's page: age, importance, drift, capture and calibration curves with their tables, sources.
{
  const page = await open();
  await page.goto(ADDRESS + "/model");
  const count = (selector) => page.$$eval(selector, (all) => all.length);
  check("the model says how old its knowledge is", /It knows nothing later than .+ ago/.test(await page.evaluate("document.body.innerText")));
  check("the model shows what it pays attention to", (await count("section[aria-labelledby=attention] .weights tr")) >= 10);
  check("the model shows whether it still fits", (await count("section[aria-labelledby=drift] svg.ranks rect")) === 10);
  check("the model shows its capture and its calibration", (await count("section[aria-labelledby=measured] svg.curve .dot")) >= 8
    && (await count("section[aria-labelledby=measured] table tbody tr")) >= 8);
  check("the model says what it was trained on", (await count("section[aria-labelledby=sources] tbody tr")) >= 1);
  await page.close();
}

// Were anything to come through, the policy of the page would stop it: a script put in by hand does not run.
for (const path of ["/", hostile.links.page, suspected, "/model"]) {
  const page = await open();
  await page.goto(ADDRESS + path);
  const ran = await page.evaluate(() => {
    const script = document.createElement("script");
    script.textContent = "window.ran = true";
    document.body.append(script);
    document.body.insertAdjacentHTML("beforeend", "<img src='data:,' onerror='window.ran = true'>");
    return new Promise((done) => setTimeout(() => done(window.ran === true), 200));
  });
  check(`the policy of ${path} stops a script`, !ran);
  await page.close();
}

// Keyboard alone: from the top of the list into a decision, and every control has a visible focus.
{
  const page = await open();
  await page.goto(ADDRESS + "/");
  await page.keyboard.press("Tab");
  check("the first stop skips to the content", (await page.evaluate("document.activeElement.className")) === "skip");
  let steps = 0;
  let seen = true;
  while (steps < 40 && !(await page.evaluate("document.activeElement.classList.contains('row-link')"))) {
    await page.keyboard.press("Tab");
    steps += 1;
    seen &&= await page.evaluate("getComputedStyle(document.activeElement).outlineStyle !== 'none'");
  }
  check("a decision is reached with Tab", steps < 40);
  check("every stop shows its focus", seen);
  await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
  check("Enter opens it", page.url().includes("/decisions/"), page.url());
  const tabTo = async (selector) => {
    for (let step = 0; step < 200; step += 1) {
      await page.keyboard.press("Tab");
      seen &&= await page.evaluate("getComputedStyle(document.activeElement).outlineStyle !== 'none'");
      if (await page.evaluate((it) => document.activeElement.matches(it), selector)) return true;
    }
    return false;
  };
  check("a file is reached with Tab", await tabTo("details.file > summary"));
  const isOpen = () => page.evaluate("document.activeElement.parentElement.open");
  const before = await isOpen();
  await page.keyboard.press("Enter");
  check("Enter folds it", (await isOpen()) !== before);
  check("the buttons are reached with Tab", await tabTo("button[name=outcome]"));
  await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
  check("Enter reports", page.url().includes("?recorded=1") && (await page.content()).includes("It went fine"), page.url());
  check("every stop of a decision shows its focus", seen);
  await page.goto(ADDRESS + "/");
  check("the filters are reached with Tab", await tabTo("#decision"));
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  check("the button of the filters is reached with Tab", await tabTo("form.filters button"));
  await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
  const verdicts = await page.evaluate("[...new Set([...document.querySelectorAll('.verdict')].map((it) => it.textContent))].join()");
  check("a verdict chosen by keyboard filters", /[?&]decision=\w+/.test(page.url()) && !verdicts.includes(","), `${page.url()}: ${verdicts}`);
  await page.close();
}

// Without scripts: search, open, report, withdraw.
{
  const page = await open({ script: false });
  await page.goto(ADDRESS + "/");
  await page.type("#q", slowed.change.commit.slice(0, 10));
  await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
  const found = await page.$$eval(".row-link", (rows) => rows.map((row) => row.textContent));
  const isIt = (text) => text.includes(slowed.change.commit.slice(0, 10));
  check("without scripts: search finds the commit and nothing else", found.length >= 1 && found.every(isIt), `${found.length} rows at ${page.url()}`);
  await Promise.all([page.waitForNavigation(), page.click(".row-link")]);
  const closed = await page.$$("details:not([open]) > summary");
  if (closed.length > 0) await closed[0].click();
  for (const [button, said] of [["harmless", "It went fine"], ["incident", "It caused an incident"], ["retracted", "withdrawn"]]) {
    await Promise.all([page.waitForNavigation(), page.click(`button[value=${button}]`)]);
    check(`without scripts: ${button} is recorded`, (await page.content()).includes(said), page.url());
  }
  const stored = await (await fetch(`${ADDRESS}${page.url().slice(ADDRESS.length).split("?")[0]}/json`)).json();
  check("the outcomes are in the log", stored.outcomes?.map((it) => it.outcome).join() === "harmless,incident,retracted");
  await page.close();
}

// Printed: the navigation and the buttons are gone, the lines of the diff are there.
{
  const page = await open();
  await page.goto(ADDRESS + pages.decision);
  await page.emulateMediaType("print");
  const shown = await page.evaluate("[...document.querySelectorAll('header.bar, .no-print')].some((it) => it.offsetParent)");
  check("printed: no navigation and no buttons", !shown);
  if (SHOTS) await page.pdf({ path: `${SHOTS}/decision-print.pdf`, format: "A4", printBackground: false, margin: { top: "12mm", bottom: "12mm", left: "12mm", right: "12mm" } });
  await page.close();
}

// How long a page takes, from asking to its last byte: reported, never asserted.
for (const name of ["list", "decision", "big", "model"]) {
  const times = [];
  for (let round = 0; round < 15; round += 1) {
    const start = performance.now();
    await (await fetch(ADDRESS + pages[name])).arrayBuffer();
    times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  console.log(`time of ${name}: median ${times[7].toFixed(1)} ms, fastest ${times[0].toFixed(1)} ms`);
}
await browser.close();
console.log(failures === 0 ? "all checks of the pages passed" : `${failures} checks of the pages failed`);
process.exit(failures === 0 ? 0 : 1);

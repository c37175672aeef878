// Curves of coverage over the size of a vocabulary: held-out text by language, and the text at hand. Told apart by dash and
// mark, and named where they end.
mtp.coverage = () => {
  const { el, svg, attr } = mtp.dom, say = mtp.say, H = 300, LEFT = 54, RIGHT = 92, BASE = H - 44, TOP = 26;
  const STYLES = { en: ["bonus", "", "circle"], code: ["rejected", "7 4", "square"], zh: ["accepted", "2 3", "triangle"], text: ["ink", "", ""] };
  const layer = svg("g"), chart = svg("svg", { class: "coverage", role: "img", "aria-label": mtp.say("vocabulary.coverage") }, layer);
  const host = el("div", { class: "coverage-host" }, chart);
  let W = 620, last = null;
  // As wide as there is room: letters keep their size on a phone and in a lecture.
  new ResizeObserver(([entry]) => {
    const wide = Math.min(760, Math.round(entry.contentRect.width));
    if (wide && wide !== W) (W = wide), last && draw(last);
  }).observe(host);

  const sign = { circle: (x, y) => `M${x - 4} ${y}a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z`, square: (x, y) => `M${x - 4} ${y - 4}h8v8h-8z`, triangle: (x, y) => `M${x} ${y - 5}l5 9h-10z` };

  function draw(told) {
    last = told;
    attr(chart, "viewBox", `0 0 ${W} ${H}`);
    const most = Math.max(...Object.values(told.languages).flat().map(([size]) => size), told.kept);
    const x = (size) => LEFT + (size / most) * (W - LEFT - RIGHT), y = (share) => BASE - share * (BASE - TOP), made = [], ends = [];
    for (const share of [0, 0.25, 0.5, 0.75, 1]) {
      made.push(svg("path", { class: "rule", d: `M${LEFT} ${y(share)}H${W - RIGHT}` }), svg("text", { class: "level", x: LEFT - 8, y: y(share) + 4, text: `${100 * share}\u00a0%` }));
    }
    for (let size = 0; size <= most; size += W < 440 ? 4096 : 2048) made.push(svg("text", { class: "tick", x: x(size), y: BASE + 18, text: size.toLocaleString("en") }));
    made.push(svg("text", { class: "axis-name", x: (LEFT + W - RIGHT) / 2, y: H - 6, text: say("vocabulary.axis.x") }));
    const used = told.size && told.size < told.vocab ? told.size : told.kept;
    made.push(svg("path", { class: "used", d: `M${x(used)} ${TOP}V${BASE}` }), svg("text", { class: "used-name", x: x(used) + 6, y: BASE - 8, text: `${say("vocabulary.used")} ${used.toLocaleString("en")}` }));
    const line = (points) => points.map(([size, share], i) => `${i ? "L" : "M"}${x(size).toFixed(1)} ${y(share).toFixed(1)}`).join("");
    for (const [name, points] of Object.entries(told.languages)) {
      const [color, dash, mark] = STYLES[name] ?? STYLES.en;
      made.push(svg("path", { class: `cover ${color}${name === told.language ? " mine" : ""}`, d: line(points), "stroke-dasharray": dash || undefined }),
        svg("path", { class: `cover-mark ${color}`, d: points.map(([size, share]) => sign[mark](x(size), y(share))).join("") }));
      ends.push({ name: say(`vocabulary.language.${name}`), color, at: x(points.at(-1)[0]), y: y(points.at(-1)[1]) });
    }
    made.push(svg("path", { class: "cover ink strong", d: line(told.text) }));
    const end = told.text.at(-1);
    made.push(svg("text", { class: "cover-name ink strong", x: Math.max(x(end[0]) - 8, LEFT + 66), y: y(end[1]) - 9, "text-anchor": "end", text: say("vocabulary.text") }));
    names(ends.sort((a, b) => a.y - b.y), made);
    layer.replaceChildren(...made);
    attr(chart, "aria-label", [...Object.entries(told.languages).map(([name, points]) => `${say(`vocabulary.language.${name}`)}: ${points.map(([size, share]) => `${size}: ${(100 * share).toFixed(0)} %`).join(", ")}`),
      `${say("vocabulary.text")}: ${end[0]}: ${(100 * end[1]).toFixed(0)} %`].join(". "));
  }
  // Names of lines that end level stand one below the other, each with its sign.
  function names(ends, made) {
    let floor = -Infinity;
    for (const end of ends) {
      floor = Math.max(end.y, floor + 17);
      const style = Object.values(STYLES).find(([color]) => color === end.color);
      made.push(svg("path", { class: `cover-mark ${end.color}`, d: sign[style[2]](W - RIGHT + 16, floor) }), svg("text", { class: `cover-name ${end.color}`, x: W - RIGHT + 26, y: floor + 4.5, text: end.name }));
    }
  }
  return { host, draw };
};

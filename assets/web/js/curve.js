// A small chart over one knob: a band from the careful to the hopeful reading, the present choice, and the line at 1.
mtp.curve = (label) => {
  const { el, svg, attr, text } = mtp.dom, W = 300, H = 132, LEFT = 30, BASE = H - 22, TOP = 10;
  const band = svg("path", { class: "curve-band" }), low = svg("path", { class: "curve-low" }), high = svg("path", { class: "curve-high" });
  const one = svg("path", { class: "curve-one" }), dot = svg("rect", { class: "curve-dot", width: 4, rx: 2 });
  const ticks = svg("g", { class: "curve-ticks" }), spots = svg("path", { class: "curve-spots" });
  const chart = svg("svg", { class: "curve", viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": label }, one, band, low, high, dot, spots, ticks);
  const host = el("figure", { class: "curve-host" }, chart, el("figcaption", { class: "muted", text: label }));

  // points: [[x, low, high], ...]; now: the x that is chosen; measured: [[x, y], ...]. Places are even: the knobs' own steps.
  function draw(points, now, measured = [], unit = "×") {
    const most = Math.max(1.3, ...points.map((point) => point[2]), ...measured.map((point) => point[1])) * 1.06;
    const x = (i) => LEFT + 8 + (i * (W - LEFT - 26)) / Math.max(1, points.length - 1), y = (value) => BASE - (value / most) * (BASE - TOP);
    const line = (k) => points.map((point, i) => `${i ? "L" : "M"}${x(i).toFixed(1)} ${y(point[k]).toFixed(1)}`).join("");
    attr(low, "d", line(1));
    attr(high, "d", line(2));
    const back = [...points].reverse().map((point, i) => `L${x(points.length - 1 - i).toFixed(1)} ${y(point[1]).toFixed(1)}`).join("");
    attr(band, "d", line(2) + back + "z");
    attr(one, "d", `M${LEFT} ${y(1).toFixed(1)}H${W}`);
    let at = 0;
    points.forEach((point, i) => (at = point[0] <= now ? i : at));
    const found = points[at];
    attr(dot, "x", x(at) - 2);
    attr(dot, "y", y(found[2]) - 5);
    attr(dot, "height", Math.max(10, y(found[1]) - y(found[2]) + 10));
    const every = Math.ceil(points.length / (points.at(-1)[0] > 999 ? 5 : 9)), marks = points.map((point, i) => [i, point[0]]).filter(([i]) => (points.length - 1 - i) % every === 0);
    const levels = most > 4 ? [1, 2, 4, 6].filter((v) => v < most) : [1, 2, 3].filter((v) => v < most);
    ticks.replaceChildren(...marks.map(([i, value]) => svg("text", { x: x(i), y: H - 6, text: value.toLocaleString("en") })),
      ...levels.map((value) => svg("text", { class: "level", x: LEFT - 4, y: y(value) + 4, text: `${value}${unit}` })));
    const spot = ([value, level]) => {
      const above = points.findIndex((point) => point[0] >= value), left = x(above < 0 ? points.length - 1 : above) - 4;
      return `M${left} ${y(level)}a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z`;
    };
    attr(spots, "d", measured.map(spot).join(""));
    attr(chart, "aria-label", `${label}: ${points.map((point) => `${point[0]}: ${mtp.number(point[1], 1)}–${mtp.number(point[2], 1)}${unit}`).join(", ")}`);
  }
  return { host, draw };
};

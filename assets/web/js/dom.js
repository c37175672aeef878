// Small helpers to make elements. Text always goes in as text: nothing here, or anywhere in the page, parses markup.
mtp.dom = (() => {
  const SVG = "http://www.w3.org/2000/svg";

  function fill(node, props, children) {
    for (const [name, value] of Object.entries(props ?? {})) {
      if (value === undefined || value === null || value === false) continue;
      if (name === "text") node.textContent = value;
      else if (name === "on") for (const [event, call] of Object.entries(value)) node.addEventListener(event, call);
      else node.setAttribute(name, value === true ? "" : value);
    }
    node.append(...children.filter((child) => child !== null && child !== undefined));
    return node;
  }

  const el = (tag, props, ...children) => fill(document.createElement(tag), props, children);
  const svg = (tag, props, ...children) => fill(document.createElementNS(SVG, tag), props, children);

  // Set only what differs: most updates change nothing.
  function text(node, value) {
    if (node.textContent !== value) node.textContent = value;
  }
  function attr(node, name, value) {
    const wanted = value === null || value === false ? null : String(value === true ? "" : value);
    if (wanted === null) node.removeAttribute(name);
    else if (node.getAttribute(name) !== wanted) node.setAttribute(name, wanted);
  }

  // One-colour icons, drawn rather than typed, so that every system shows the same.
  const icons = {
    play: "M4 2.5v11l9-5.5z", pause: "M3.5 2.5h3v11h-3zM9.5 2.5h3v11h-3z", check: "M2.5 8.5l3.5 3.5 7.5-8",
    differs: "M3 6h10M3 10h10M11 2.5l-6 11",
  };
  function icon(name) {
    const line = name === "check" || name === "differs";
    return svg("svg", { viewBox: "0 0 16 16", class: "icon" + (line ? " drawn" : ""), "aria-hidden": "true" },
      svg("path", { d: icons[name] }));
  }
  return { el, svg, text, attr, icon };
})();

// The sentence called `name` (mtpviz/strings), with its values filled in.
mtp.say = (name, values) => {
  let text = mtp.strings[name];
  for (const [key, value] of Object.entries(values ?? {})) text = text.replaceAll("{" + key + "}", value);
  return text;
};

// A text that was made in English elsewhere (a strategy's title, a figure's), in the reader's language where it is known.
mtp.word = (text) => mtp.strings["=" + text] ?? text;

mtp.number = (value, digits = 2) => (Number.isFinite(value) ? value.toFixed(digits) : "–");

"use strict";
(() => {
  const REFRESH_MS = 10000;
  let paused = false;

  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const three = (v) => (Math.abs(v) >= 100 ? v.toFixed(0) : Math.abs(v) >= 10 ? v.toFixed(1) : v.toFixed(2)).replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "");
  const formats = {
    s: (v) => v < 1e-3 ? (v ? `${three(v * 1e6)} µs` : "0") : v < 1 ? `${three(v * 1e3)} ms` : v < 120 ? `${three(v)} s` : v < 7200 ? `${three(v / 60)} min` : `${three(v / 3600)} h`,
    count: (v) => v >= 1e6 ? `${three(v / 1e6)}M` : v >= 1e4 ? `${three(v / 1e3)}k` : three(v),
    "1/min": (v) => `${v >= 1e4 ? `${three(v / 1e3)}k` : three(v)}`,
    share: (v) => `${three(100 * v)} %`,
    bytes: (v) => v >= 1e9 ? `${three(v / 1e9)} GB` : v >= 1e6 ? `${three(v / 1e6)} MB` : v >= 1e3 ? `${three(v / 1e3)} kB` : `${three(v)} B`,
  };
  const two = (n) => String(n).padStart(2, "0");
  const clock = (v, u) => {
    const at = new Date(v * 1e3);
    const day = `${two(at.getUTCMonth() + 1)}-${two(at.getUTCDate())}`;
    const long = u.scales.x.max - u.scales.x.min > 2 * 86400;
    return long ? day : `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}${u.scales.x.max - u.scales.x.min < 240 ? `:${two(at.getUTCSeconds())}` : ""}`;
  };
  const palette = ["main", "second", "third", "fourth", "fifth", "sixth"];

  // Deploys are drawn on every chart, with their name at the top: the latest first, and
  // no name over another.
  const marks = (list) => ({
    hooks: {
      draw: (u) => {
        const { ctx, bbox } = u;
        ctx.save();
        ctx.strokeStyle = ctx.fillStyle = color("mark");
        ctx.setLineDash([4, 4]);
        ctx.textAlign = "left";
        ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
        const right = bbox.left + bbox.width;
        let free = right;
        for (const [at, text] of [...list].reverse()) {
          const x = u.valToPos(at, "x", true);
          if (x < bbox.left || x > right) continue;
          ctx.beginPath();
          ctx.moveTo(x, bbox.top);
          ctx.lineTo(x, bbox.top + bbox.height);
          ctx.stroke();
          const name = text.slice(0, 24), width = ctx.measureText(name).width;
          const start = x + 4 + width > right ? x - 4 - width : x + 4;
          if (start < bbox.left || start + width > free) continue;
          ctx.fillText(name, start, bbox.top + 10 * devicePixelRatio);
          free = start - 8;
        }
        ctx.restore();
      },
    },
  });

  // Without a pointer the legend tells the latest values.
  const latest = ({ times, lines }) => {
    let last = times.length - 1;
    while (last > 0 && lines.every((line) => line.values[last] === null)) last--;
    const show = (u) => u.setLegend({ idx: last });
    return { hooks: { ready: show, setCursor: (u) => { if (u.cursor.idx === null) show(u); } } };
  };

  // uPlot keeps each plot, and what it listens to, until it is told to let go.
  let plots = [];

  function draw(box) {
    const data = JSON.parse(box.dataset.chart);
    const write = formats[data.unit] || three;
    const used = new Set();
    const series = data.lines.map((line, number) => {
      let name = line.tone || palette[number % palette.length];
      if (used.has(name)) name = palette[number % palette.length];
      used.add(name);
      const stroke = color(name);
      return {
        label: line.label, stroke, width: 1.6,
        fill: data.bars ? `${stroke}40` : undefined,
        paths: data.bars ? uPlot.paths.stepped({ align: 1 }) : undefined,
        points: { show: data.times.length < 3 || line.values.filter((v) => v !== null).length < 3 },
        value: (_, v) => (v === null || v === undefined ? "–" : write(v)),
      };
    });
    const axis = { stroke: color("muted"), grid: { stroke: color("line"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
    box.replaceChildren();
    plots.push(new uPlot({
      width: Math.max(box.clientWidth, 200), height: 190,
      tzDate: (ts) => uPlot.tzDate(new Date(ts * 1e3), "Etc/UTC"),
      series: [{ value: (_, v) => (v ? new Date(v * 1e3).toISOString().slice(0, 19).replace("T", " ") : "–") }, ...series],
      axes: [{ ...axis, size: 30, space: 64, values: (u, list) => list.map((v) => clock(v, u)) }, { ...axis, size: 64, values: (_, list) => list.map((v) => (v === null ? "" : write(v))) }],
      scales: { y: { range: (_, low, high) => [0, high > 0 ? high * (data.marks.length ? 1.25 : 1.08) : 1] } },
      legend: { live: true },
      plugins: [marks(data.marks), latest(data)],
    }, [data.times, ...data.lines.map((line) => line.values)], box));
  }

  function drawAll() {
    plots.forEach((plot) => plot.destroy());
    plots = [];
    document.querySelectorAll("[data-chart]").forEach((box) => draw(box));
    const pause = document.querySelector(".pause");
    if (pause) {
      pause.hidden = false;
      pause.textContent = paused ? "resume" : "pause";
      pause.onclick = () => { paused = !paused; pause.textContent = paused ? "resume" : "pause"; };
    }
  }

  // Not while somebody reads a table, types, or looks elsewhere.
  const isBusy = () => paused || document.hidden || document.querySelector("#main details[open]") || document.activeElement?.matches("input, select, textarea");

  document.addEventListener("DOMContentLoaded", () => {
    drawAll();
    document.querySelector("header nav [aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });
    const button = document.getElementById("theme");
    button.hidden = false;
    button.addEventListener("click", () => {
      const root = document.documentElement;
      const isDark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
      root.dataset.theme = isDark ? "light" : "dark";
      try { localStorage.setItem("spotter-theme", root.dataset.theme); } catch (error) { /* this page only */ }
      drawAll();
    });
    document.body.addEventListener("htmx:afterSettle", drawAll);
    setInterval(() => { if (!isBusy()) document.body.dispatchEvent(new Event("spotter:refresh")); }, REFRESH_MS);
    let resized;
    addEventListener("resize", () => { clearTimeout(resized); resized = setTimeout(drawAll, 150); });
    document.addEventListener("keydown", (event) => {
      if (event.key !== "/" || event.target.matches("input, select, textarea")) return;
      const field = document.querySelector("form.filter input[type=search]");
      if (field) { event.preventDefault(); field.focus(); }
    });
  });
})();

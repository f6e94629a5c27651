// What only the browser can do: its zone and language, its theme, tooltips as text, small updates.
// Everything that comes from a topic is set as text, never as HTML.
globalThis.daedalus = (() => {
  const UNITS = ["", "k", "M", "G", "T"];
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

  function number(value) {
    if (value === null || value === undefined || Number.isNaN(value)) return "unknown";
    let unit = 0;
    while (Math.abs(value) >= 999.5 && unit < UNITS.length - 1) {
      value /= 1000;
      unit += 1;
    }
    return `${Number(value.toPrecision(3))}${UNITS[unit]}`;
  }

  function seconds(value) {
    if (value === null || value === undefined) return "unknown";
    if (value < 1) return `${Number((1000 * value).toPrecision(3))} ms`;
    if (value < 120) return `${Number(value.toPrecision(3))} s`;
    if (value < 7200) return `${Math.round(value / 60)} min`;
    return `${Math.round(value / 3600)} h`;
  }

  const whole = (value) => (Number.isInteger(value) ? String(value) : "");
  const share = (value) => `${Math.round(100 * value)} %`;
  const shareOf = (item) => share(item.value);

  // Worker-hours, as `page/words.py` writes them.
  function hours(value) {
    if (!value || Math.abs(value) >= 1) return `${number(value)} h`;
    const minutes = 60 * value;
    return `${minutes.toFixed(Math.abs(minutes) < 10 ? 1 : 0).replace(/\.0$/, "")} min`;
  }

  function time(at, form) {
    const date = new Date(at);
    if (Number.isNaN(date.getTime())) return "unknown";
    const clock = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
    const day = { month: "short", day: "numeric" };
    const today = date.toDateString() === new Date().toDateString();
    if (form === "minute") {
      delete clock.second;
      return date.toLocaleString(undefined, today ? clock : { ...day, ...clock });
    }
    if (form === "full") {
      return date.toLocaleString(undefined, { year: "numeric", ...day, ...clock, timeZoneName: "short" });
    }
    return date.toLocaleString(undefined, today ? clock : { ...day, ...clock });
  }

  // <local-time at="2026-01-01T12:00:00Z" form="clock|minute|full|zone">
  customElements.define(
    "local-time",
    class extends HTMLElement {
      static observedAttributes = ["at", "form"];
      attributeChangedCallback() {
        this.connectedCallback();
      }
      connectedCallback() {
        const at = this.getAttribute("at");
        if (this.getAttribute("form") === "zone") {
          const parts = new Intl.DateTimeFormat(undefined, { timeZoneName: "short" }).formatToParts(new Date());
          const short = parts.find((part) => part.type === "timeZoneName").value;
          this.textContent = short === zone ? zone : `${zone} (${short})`;
          return;
        }
        this.textContent = at ? time(at, this.getAttribute("form")) : "unknown";
        this.title = at ? `${time(at, "full")} · ${at}` : "";
      }
    },
  );

  // <spark-line workload="10,20,,40" capacity="50,50,80,80">: percents, nothing where unknown.
  const SVG = "http://www.w3.org/2000/svg";
  function route(told, stepped) {
    const values = told.split(",");
    let pen = "M";
    let path = "";
    values.forEach((value, place) => {
      if (value === "") {
        pen = "M";
        return;
      }
      const x = ((100 * place) / Math.max(1, values.length - 1)).toFixed(1);
      const y = (24 - 0.22 * Number(value)).toFixed(1);
      path += pen === "L" && stepped ? `H${x}V${y}` : `${pen}${x} ${y}`;
      pen = "L";
    });
    return path;
  }
  customElements.define(
    "spark-line",
    class extends HTMLElement {
      static observedAttributes = ["workload", "capacity"];
      attributeChangedCallback() {
        this.connectedCallback();
      }
      connectedCallback() {
        const root = document.createElementNS(SVG, "svg");
        root.setAttribute("viewBox", "-1 0 102 26");
        root.setAttribute("preserveAspectRatio", "none");
        root.setAttribute("aria-hidden", "true");
        for (const name of ["capacity", "workload"]) {
          const line = root.appendChild(document.createElementNS(SVG, "path"));
          line.setAttribute("class", `d-${name}`);
          line.setAttribute("d", route(this.getAttribute(name) ?? "", name === "capacity"));
        }
        this.replaceChildren(root);
      }
    },
  );

  // Tooltips are elements with texts, so that no name of a worker or a job can be markup.
  function box(head, rows) {
    const root = document.createElement("div");
    const title = root.appendChild(document.createElement("strong"));
    title.textContent = head;
    for (const [color, name, value] of rows) {
      const row = root.appendChild(document.createElement("div"));
      row.className = "tip";
      const mark = row.appendChild(document.createElement("i"));
      mark.style.background = color;
      row.appendChild(document.createElement("span")).textContent = name;
      row.appendChild(document.createElement("b")).textContent = value;
    }
    return root;
  }

  const FORMATS = { lag: number, latency: seconds, running: whole, recommended: whole };

  function tooltip(items) {
    if (!Array.isArray(items)) return box(items.name, []);
    if (!items.length) return "";
    const rows = [];
    let low;
    for (const item of items) {
      const value = item.value[1];
      if (item.seriesName === "forecast 0.1") {
        low = value;
      } else if (item.seriesName === "0.1 to 0.9") {
        if (low !== undefined) rows.push([item.color, "forecast, 0.1 to 0.9", `${number(low)} to ${number(low + value)}/s`]);
      } else {
        const shown = FORMATS[item.seriesName];
        const text = value === null || value === undefined ? "unknown" : shown ? shown(value) : `${number(value)}/s`;
        rows.push([item.color, item.seriesName, text]);
      }
    }
    return box(time(items[0].axisValue, "full"), rows);
  }

  const simple = (head, format) => (items) => {
    const all = (Array.isArray(items) ? items : [items]).filter((item) => item.componentType === "series");
    if (!all.length) return "";
    return box(
      head(all[0]),
      all.map((item) => {
        const value = Array.isArray(item.value) ? item.value[1] : item.value;
        return [item.color, item.seriesName, value === null ? "unknown" : format(value)];
      }),
    );
  };
  const moment = (item) => time(item.axisValue, "full");
  const shareTooltip = simple((item) => (item.axisType?.endsWith("category") ? String(item.name) : moment(item)), share);
  const times = (value) => `${Number(value.toPrecision(2))} x`;
  const timesTooltip = simple(moment, times);
  const hoursOf = (item) => hours(item.value);

  function capacityTooltip(items) {
    const all = Array.isArray(items) ? items : [items];
    const rows = all
      .filter((item) => item.seriesType === "scatter")
      .map((item) => [item.color, item.seriesName, `${number(item.value[1])}/s`]);
    const band = all.find((item) => item.seriesName === "± 95 %");
    if (band) rows.push([band.color, "95 % sure to", `± ${number(band.value[1] / 2)}/s`]);
    const count = all.length ? all[0].value[0] : 0;
    return all.length ? box(`${count} worker${count === 1 ? "" : "s"}`, rows) : "";
  }

  // Charts: what is new of a line is appended to what is there, and what is too old is dropped.
  // news: {fresh: {name: [[ms, value], …]}, whole: {name: series}, from: ms, bounds: {min, max}}
  function extend(id, news) {
    const chart = getElement(id)?.chart;
    if (!chart) return; // a page that is being left
    const options = chart.getOption();
    const series = options.series.map((known) => {
      if (known.name in news.whole) return { name: known.name, ...news.whole[known.name] };
      const fresh = news.fresh[known.name];
      if (!fresh) return { name: known.name };
      const kept = known.data.filter((point) => point[0] >= news.from && (!fresh.length || point[0] < fresh[0][0]));
      return { name: known.name, data: kept.concat(fresh) };
    });
    chart.setOption({ series, xAxis: options.xAxis.map(() => news.bounds) }, { lazyUpdate: true });
  }

  // A click anywhere in a grid tells the moment under it, not only one on a line. That the chart
  // is there is told, too: until then it is sent whole.
  function moments(id, listener) {
    const found = getElement(id);
    if (!found?.chart) return setTimeout(() => moments(id, listener), 50);
    const told = document.getElementById(`c${listener}`);
    told.dataset.ready = "";
    found.chart.getZr().on("click", (event) => {
      const place = [event.offsetX, event.offsetY];
      if (!found.chart.containPixel({ gridIndex: "all" }, place)) return;
      const [at] = found.chart.convertFromPixel({ gridIndex: 0 }, [place[0], 70]);
      told.dispatchEvent(new CustomEvent("moment", { detail: Math.round(at) }));
    });
    told.dispatchEvent(new CustomEvent("drawn"));
  }

  // Light, dark, or as the system has it; remembered in this browser.
  const KEY = "daedalus-theme";
  const remembered = () => {
    try {
      return localStorage.getItem(KEY) ?? "auto";
    } catch {
      return "auto";
    }
  };
  function apply(theme) {
    document.documentElement.style.colorScheme = theme === "auto" ? "light dark" : theme;
    globalThis.setDark?.(theme === "auto" ? null : theme === "dark");
    for (const button of document.querySelectorAll("[data-theme-switch]")) {
      const next = { auto: "light", light: "dark", dark: "auto" }[theme];
      button.dataset.now = theme;
      button.setAttribute("aria-label", `Theme: ${theme}. Change to ${next}.`);
      button.title = `Theme: ${theme}`;
    }
  }
  function switchTheme() {
    const next = { auto: "light", light: "dark", dark: "auto" }[remembered()];
    try {
      localStorage.setItem(KEY, next);
    } catch {
      // A browser that remembers nothing still changes.
    }
    apply(next);
  }
  apply(remembered());
  addEventListener("storage", (event) => event.key === KEY && apply(remembered()));

  function address(path) {
    history.replaceState(history.state, "", path);
  }

  // Who opens a part that lies elsewhere comes back to where it was opened.
  let opener = null;
  function enter(id) {
    const part = document.getElementById(id);
    const now = document.activeElement;
    if (now !== document.body && !part.contains(now)) opener = now;
    part.focus();
  }
  function leave(otherwise) {
    const there = opener?.isConnected && opener.getClientRects().length;
    (there ? opener : document.getElementById(otherwise)).focus();
    opener = null;
  }

  return {
    number, seconds, whole, share, shareOf, hours, times, timesTooltip,
    tooltip, shareTooltip, hoursOf, capacityTooltip,
    extend, moments, switchTheme, address, enter, leave,
    mounted: () => apply(remembered()),
  };
})();

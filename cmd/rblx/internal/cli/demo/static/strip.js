// Keeps the strip alive: the token's age, the Rotate button and each rotation as it happens.
"use strict";
(() => {
  const strip = document.getElementById("strip");
  const part = (id) => document.getElementById(id);
  const skew = Date.now() - Number(strip.dataset.now);
  let issued = Number(strip.dataset.issued);
  let expiry = Number(strip.dataset.expiry);
  let live = true;

  const words = (ms) => {
    const s = Math.max(0, Math.round(ms / 1000));
    return s < 120 ? s + " s" : Math.floor(s / 60) + " min";
  };
  const draw = () => {
    if (!live) return;
    const now = Date.now() - skew;
    part("age").max = (expiry - issued) / 1000;
    part("age").value = Math.min(now, expiry) / 1000 - issued / 1000;
    part("left").textContent = words(expiry - now) + " left of " + words(expiry - issued);
  };
  const take = (token) => {
    issued = Date.parse(token.issued);
    expiry = Date.parse(token.expiry);
    part("generation").textContent = token.generation;
    draw();
  };
  const end = () => {
    live = false;
    part("strip-note").textContent = "This authorization has ended. Load the page again to go on.";
    part("rotate").querySelector("button").disabled = true;
  };

  const names = { signed_in: "Signed in", refreshed: "Renewed", adopted: "Renewed by another process" };
  const events = new EventSource("/events");
  events.addEventListener("token", (e) => take(JSON.parse(e.data)));
  events.addEventListener("rotation", (e) => {
    const r = JSON.parse(e.data);
    if (!names[r.kind]) return;
    take(r);
    const line = document.createElement("li");
    const add = (tag, text) => line.appendChild(Object.assign(document.createElement(tag), { textContent: text }));
    line.className = "new";
    add("b", r.generation);
    add("span", names[r.kind]);
    add("time", new Date(r.at).toTimeString().slice(0, 8)).dateTime = r.at;
    part("rotations").prepend(line);
    while (part("rotations").children.length > 8) part("rotations").lastElementChild.remove();
  });
  events.addEventListener("ended", () => { events.close(); end(); });

  part("rotate").addEventListener("submit", async (e) => {
    e.preventDefault();
    const button = e.target.querySelector("button");
    const form = new URLSearchParams(new FormData(e.target));
    form.set("quiet", "1");
    button.disabled = true;
    try {
      const answer = await fetch("/rotate", { method: "POST", body: form });
      if (!answer.ok) part("strip-note").textContent = await answer.text();
    } catch {
      part("strip-note").textContent = "The demo does not answer. Is it still running?";
    }
    button.disabled = !live;
  });

  setInterval(draw, 250);
  draw();
})();

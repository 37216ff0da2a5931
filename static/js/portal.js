// Makes pages quicker; nothing here is needed for anything to be possible.
(() => {
  "use strict";

  // Without a connection nothing is sent, and the page says so; what was typed stays where it is.
  const offline = document.getElementById("offline");
  const tell = () => { if (offline) offline.hidden = navigator.onLine; };
  window.addEventListener("online", tell);
  window.addEventListener("offline", tell);
  tell();
  document.addEventListener("submit", (event) => {
    if (navigator.onLine) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    offline?.scrollIntoView();
  }, true);
  if ("serviceWorker" in navigator && window.isSecureContext) navigator.serviceWorker.register("/sw.js");

  // A second press of the same button sends nothing. (The key hidden in the form makes it harmless anyway.)
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method.toLowerCase() !== "post") return;
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "1";
    // a long file takes a while to read: say so, and show that something goes on
    form.querySelectorAll("[data-busy]").forEach((b) => { b.dataset.idle = b.textContent; b.textContent = b.dataset.busy; });
    form.querySelectorAll("progress").forEach((bar) => { bar.hidden = false; });
    form.querySelectorAll("button.btn").forEach((b) => b.setAttribute("aria-disabled", "true"));
  });
  // Coming back by the back button finds the form usable again.
  window.addEventListener("pageshow", () => {
    document.querySelectorAll("form[data-sent]").forEach((form) => {
      delete form.dataset.sent;
      form.querySelectorAll("[data-busy][data-idle]").forEach((b) => { b.textContent = b.dataset.idle; });
      form.querySelectorAll("progress").forEach((bar) => { bar.hidden = true; });
      form.querySelectorAll("button.btn").forEach((b) => b.removeAttribute("aria-disabled"));
    });
  });

  // A slider beside a money field: either moves the other.
  document.querySelectorAll("input[type=range][data-for]").forEach((slider) => {
    const field = document.getElementById(slider.dataset.for);
    if (!field) return;
    slider.closest("[hidden]")?.removeAttribute("hidden");
    slider.addEventListener("input", () => {
      field.value = slider.value;
      field.dispatchEvent(new Event("change", { bubbles: true }));
    });
    field.addEventListener("input", () => { slider.value = field.value; });
    slider.value = field.value || slider.min;
  });

  // Reading time: counts down what the server will measure again.
  document.querySelectorAll("[data-read-seconds]").forEach((button) => {
    const words = button.dataset.readWords;
    const label = button.textContent;
    let left = Number(button.dataset.readSeconds);
    const until = Date.now() + left * 1000;
    const stop = (event) => event.preventDefault();
    const tick = () => {
      left = Math.ceil((until - Date.now()) / 1000);
      if (left > 0) {
        button.textContent = words.replace("{n}", left);
        setTimeout(tick, 250);
      } else {
        button.textContent = label;
        button.removeAttribute("aria-disabled");
        button.removeEventListener("click", stop);
      }
    };
    if (left > 0) {
      button.setAttribute("aria-disabled", "true");
      button.addEventListener("click", stop);
      tick();
    }
  });

  document.querySelectorAll("[data-print]").forEach((b) => {
    b.removeAttribute("hidden");
    b.addEventListener("click", () => window.print());
  });
})();

// The button of a shop: presses once, says what happens, and stays a plain form without script.
(() => {
  "use strict";
  const words = document.documentElement.lang.startsWith("zh")
    ? { wait: "正在打开分期付款页面…", note: "由 lendportal 提供分期，同意前可看到全部费用" }
    : { wait: "Opening the payment page…", note: "Instalments by lendportal: every cost is shown before you agree" };
  const dress = (button) => {
    button.title = words.note;
    const form = button.closest("form");
    if (!form) return;
    form.addEventListener("submit", (event) => {
      if (button.dataset.pressed) {
        event.preventDefault();
        return;
      }
      button.dataset.pressed = "1";
      button.setAttribute("aria-busy", "true");
      button.textContent = words.wait;
    });
    window.addEventListener("pageshow", (event) => {
      if (event.persisted) window.location.reload();
    });
  };
  document.querySelectorAll("[data-lendportal]").forEach(dress);
})();

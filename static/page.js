/* Makes the pages quicker; without it every form posts and every page reloads. */
(function () {
  "use strict";
  var root = document.querySelector(".origin-pulls");
  if (!root) { return; }

  function piece(text) {
    return new DOMParser().parseFromString(text, "text/html");
  }

  /* Put each part that carries an id into the place of the older one. Focus stays where it is. */
  function place(text) {
    var found = piece(text), parts = found.querySelectorAll("[data-op-part]"), focused = document.activeElement;
    var id = focused && focused.id;
    parts.forEach(function (fresh) {
      var old = document.getElementById(fresh.id);
      if (!old) { return; }
      copy(fresh, old);
      if (old.innerHTML !== fresh.innerHTML) {
        var open = opened(old);
        old.replaceChildren.apply(old, Array.prototype.slice.call(document.importNode(fresh, true).childNodes));
        reopen(old, open);
      }
    });
    if (id && document.activeElement !== focused) {
      var again = document.getElementById(id);
      if (again) { again.focus(); }
    }
    return parts.length > 0;
  }

  /* What a person unfolded stays unfolded. */
  function opened(part) {
    return Array.prototype.map.call(part.querySelectorAll("details"), function (one) { return one.open; });
  }

  function reopen(part, open) {
    part.querySelectorAll("details").forEach(function (one, place) { one.open = Boolean(open[place]); });
  }

  function copy(fresh, old) {
    ["data-op-poll", "class"].forEach(function (name) {
      if (fresh.hasAttribute(name)) { old.setAttribute(name, fresh.getAttribute(name)); }
      else { old.removeAttribute(name); }
    });
  }

  function SignedOut() {}

  /* A part of ours. Parts are never redirected, and errors of ours come as parts too: what asks for
     a password is the panel's. */
  function ask(address, body) {
    return fetch(address, {
      method: body ? "POST" : "GET", body: body, credentials: "same-origin", redirect: "manual",
      headers: body ? { "Content-Type": "application/x-www-form-urlencoded" } : {}
    }).then(function (answer) {
      if (answer.type === "opaqueredirect" || answer.status === 401 || answer.status === 403) { throw new SignedOut(); }
      if (!answer.ok) { throw new Error(String(answer.status)); }
      return answer.text();
    }).then(function (text) {
      var found = piece(text);
      if (found.querySelector("[data-op-part], .op-bad")) { return text; }
      throw found.querySelector("input[type=password]") ? new SignedOut() : new Error("no part");
    });
  }

  /* Say once, at the top, that somebody has to sign in; this address leads there, and back here. */
  function tellSignedOut() {
    if (root.querySelector("#op-signed-out")) { return; }
    var told = document.createElement("p"), again = document.createElement("a");
    told.id = "op-signed-out";
    told.className = "op-bad";
    told.setAttribute("role", "alert");
    again.href = location.href.split("#")[0];
    again.target = "_self";
    again.textContent = "Sign in again";
    told.append("You are signed out: this page does not follow what happens any more. ", again);
    root.prepend(told);
  }

  /* Ask for a fresh part; what went wrong on the way is told at the top of the older one. Gives
     whether there is any use in asking again. */
  function fetchInto(part, address) {
    return ask(address).then(function (text) {
      if (place(text)) { return true; }
      var told = part.querySelector("[data-op-told]") || document.createElement("div");
      told.setAttribute("data-op-told", "");
      told.replaceChildren.apply(told, Array.prototype.slice.call(document.importNode(piece(text).body, true).childNodes));
      part.prepend(told);
      return true;
    }).catch(function (error) {
      if (!(error instanceof SignedOut)) { return true; }
      tellSignedOut();
      return false;
    });
  }

  /* Progress: ask every two seconds, while the page is seen and the part still asks for it. */
  function poll() {
    var part = root.querySelector("[data-op-poll]");
    if (!part) { return; }
    if (document.hidden) { return void setTimeout(poll, 2000); }
    fetchInto(part, part.getAttribute("data-op-poll"))
      .then(function (goesOn) { if (goesOn) { setTimeout(poll, 2000); } });
  }
  poll();

  /* What takes the server a while is asked for when the page stands. */
  root.querySelectorAll("[data-op-load]").forEach(function (part) {
    fetchInto(part, part.getAttribute("data-op-load"));
  });

  /* A switch stages its change at once; nothing happens to the site before "Apply". */
  var list = root.querySelector("form[data-op-stage]");
  var queue = Promise.resolve();

  function stage(box) {
    var row = box.closest("tr"), state = row.querySelector(".op-state");
    var body = new URLSearchParams({ token: list.elements.token.value, row: box.value });
    if (box.checked) { body.append("on", box.value); }
    state.textContent = "noting…";
    queue = queue.then(function () {
      return ask(list.getAttribute("data-op-stage"), body).then(function (text) {
        if (!place(text)) { throw new Error("no part"); }
      }).catch(function (error) {
        box.checked = !box.checked;
        var isOut = error instanceof SignedOut;
        state.textContent = isOut ? "not noted: you are signed out" : "not noted: try again";
        if (isOut) { tellSignedOut(); }
      });
    });
  }

  function ticks() { return Array.prototype.slice.call(root.querySelectorAll("input[name=pick]")); }

  function count() {
    var all = root.querySelector("#op-all"), said = root.querySelector("#op-picked");
    if (!all || !said) { return; }
    var boxes = ticks(), picked = boxes.filter(function (box) { return box.checked; }).length;
    all.checked = picked > 0 && picked === boxes.length;
    all.indeterminate = picked > 0 && picked < boxes.length;
    said.textContent = picked ? picked + " selected" : "None selected";
  }

  if (list) {
    root.querySelectorAll(".op-nojs").forEach(function (one) { one.hidden = true; });
    root.querySelectorAll("[data-op-js]").forEach(function (one) { one.hidden = false; });
    list.addEventListener("change", function (event) {
      var box = event.target;
      if (box.id === "op-all") { ticks().forEach(function (one) { one.checked = box.checked; }); }
      else if (box.classList.contains("op-switch")) { stage(box); }
      count();
    });
    window.addEventListener("pageshow", count);
    count();
  }

  /* One press is enough; the button says that it was heard. */
  root.addEventListener("submit", function (event) {
    var form = event.target, button = event.submitter;
    if (form.method !== "post" || !button) { return; }
    if (form.dataset.opSent) { return void event.preventDefault(); }
    form.dataset.opSent = "1";
    button.setAttribute("aria-busy", "true");
    window.addEventListener("pageshow", function () {
      delete form.dataset.opSent;
      button.removeAttribute("aria-busy");
    }, { once: true });
  });
}());

// What the reader prefers; it stays in this browser.

import { useState } from "preact/hooks";
import { access } from "../api";
import { Notice } from "../parts";
import { refresh, settings, type Settings as Kept } from "../state";
import { validZone } from "../time";

export function Settings() {
  const s = settings.value;
  const set = (change: Partial<Kept>) => (settings.value = { ...settings.value, ...change });
  const [zone, setZone] = useState(s.zone);
  const zones = typeof Intl.supportedValuesOf === "function" ? Intl.supportedValuesOf("timeZone") : [];
  return (
    <main>
      <section class="panel form" aria-label="Settings">
        <h2>Settings</h2>
        <label>
          Time zone
          <input
            list="zones"
            value={zone}
            onInput={(e) => {
              setZone(e.currentTarget.value);
              if (validZone(e.currentTarget.value)) set({ zone: e.currentTarget.value });
            }}
          />
          <datalist id="zones">
            <option value="browser" />
            <option value="UTC" />
            {zones.map((z) => (
              <option key={z} value={z} />
            ))}
          </datalist>
        </label>
        {!validZone(zone) && <Notice kind="warning">{zone} is no time zone: want browser, UTC or a name such as Europe/Berlin</Notice>}
        <label>
          Theme
          <select value={s.theme} onChange={(e) => set({ theme: e.currentTarget.value as Kept["theme"] })}>
            <option value="auto">as the system</option>
            <option value="light">light</option>
            <option value="dark">dark</option>
          </select>
        </label>
        <label>
          <span>Units by metric name</span>
          <input type="checkbox" checked={s.units} onChange={(e) => set({ units: e.currentTarget.checked })} />
        </label>
        <label>
          Access token
          <input
            type="password"
            autoComplete="off"
            value={access.token}
            onChange={(e) => {
              access.token = e.currentTarget.value.trim();
              localStorage.setItem("tidemark.token", access.token);
              refresh.value++;
            }}
          />
        </label>
        <p class="soft">A token is needed where the server was started with --auth-token-file. Settings stay in this browser.</p>
      </section>
    </main>
  );
}

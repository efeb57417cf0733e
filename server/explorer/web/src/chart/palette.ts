// Colours that stay apart for most kinds of colour vision, on either ground.

const light = ["#1f6fb4", "#c2570c", "#2b8a5a", "#9b3d97", "#8a6d00", "#c23b52", "#4a5fc1", "#4d7a8c"];
const darker = ["#5aa9e6", "#f0934e", "#5cc690", "#d58ad0", "#d6b53c", "#f07a8c", "#94a3f5", "#8fb9c9"];

/** colour gives line i its colour. */
export function colour(i: number, dark: boolean): string {
  const p = dark ? darker : light;
  return p[i % p.length]!;
}

/** levelColour is a log level's colour. */
export function levelColour(level: string, dark: boolean): string {
  switch (level.toLowerCase()) {
    case "critical":
    case "crit":
    case "fatal":
    case "alert":
    case "emerg":
      return dark ? "#d58ad0" : "#8d2f88";
    case "error":
    case "err":
      return dark ? "#f07a8c" : "#c23b52";
    case "warning":
    case "warn":
      return dark ? "#e8b04a" : "#b87503";
    case "info":
    case "notice":
      return dark ? "#5cc690" : "#2b8a5a";
    case "debug":
    case "trace":
      return dark ? "#5aa9e6" : "#1f6fb4";
  }
  return dark ? "#8a97a3" : "#7b8792";
}

/** heatColour maps a share from 0 to 1 to a colour of one hue. */
export function heatColour(share: number, dark: boolean): string {
  const s = Math.sqrt(Math.max(0, Math.min(1, share)));
  return dark ? `hsl(${205 - 150 * s} 85% ${16 + 46 * s}%)` : `hsl(${205 + 10 * s} ${60 + 20 * s}% ${94 - 66 * s}%)`;
}

/** fade makes a colour written as #rrggbb transparent. */
export function fade(c: string, alpha: number): string {
  return c + Math.round(alpha * 255).toString(16).padStart(2, "0");
}

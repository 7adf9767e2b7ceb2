"""Whether links do what their file declares: measured by packets, and judged."""

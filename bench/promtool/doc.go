// Package promtool tries Prometheus's command line tool on our server: every
// question it can ask is asked, and what it prints is compared. The tool is built
// from the pinned module, whose requirements no other module here should inherit.
package promtool

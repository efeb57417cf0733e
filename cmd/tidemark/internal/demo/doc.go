// Package demo writes the history of a small, invented estate into a store
// and keeps that history going while the program runs. It exists so that the
// first query a person types has something to find. It generates records only
// through the store's own contract; it speaks no protocol and starts no server.
//
// # The estate
//
// Three regions (eu, us, ap; their working days lie six hours apart) with
// eight hosts each: two web, three api, one db, one cache and one batch host,
// named like web-eu-1. Ten services: storefront, checkout, catalog, search,
// auth, payments, cart, recommendations, notifications and reporting.
//
// Every minute each host has one record of
//
//	cpu_usage_user, cpu_usage_system, cpu_usage_iowait   percent
//	system_load1                                         runnable tasks
//	mem_used_percent                                     percent
//	net_bytes_recv, net_bytes_sent                       counters, integers
//
// with the labels host, region, role, and one record per mount with
//
//	disk_total, disk_used, disk_used_percent             bytes, bytes, percent
//
// and the label path (/ everywhere, /data on db hosts, /scratch on batch
// hosts). Each service has
//
//	http_requests_total{service, code="2xx|4xx|5xx"}     counters
//	http_errors_total{service}                           the 5xx of them
//	http_request_duration_seconds_sum, _count{service}   the latency, and for the
//	http_request_duration_seconds_bucket{service, le}    five busiest its histogram
//	process_resident_memory_bytes{service}
//	queue_depth{service}                                 notifications and reporting
//
// The last two weeks have log rows: access logs of the web hosts
// ({service="storefront", measurement="nginx"}, whose numbers are also the
// metrics nginx_status, nginx_bytes and nginx_duration), application logs in
// logfmt (checkout, payments, auth, cart) and in JSON (catalog, search,
// recommendations, notifications), job logs, deployments, and the logs of
// PostgreSQL and of the kernel of the db hosts. Every application row has the
// labels service, host and level; rows of one request share a trace id.
//
// # What happens when
//
// Days are UTC days, counted back from the one that holds the end of the
// history ("origin": the time of the first start).
//
//	always          daily and weekly seasons; traffic falls by a third on
//	                weekends and grows by one percent a week
//	every night     batch hosts work from 01:00 to 03:30 of their region's
//	                time, fill /scratch, log their jobs, and clean up by 05:00
//	every Sunday    03:00: the / of web and api hosts, which fills all week, is
//	                cleaned
//	every 5 days    recommendations, which leaks, is killed for lack of memory
//	                and restarts; the memory of its host api-us-3 follows. The
//	                last time is 2.6 days before the origin
//	day −5          10:12–10:57: the disk of db-eu-1 stalls. Its iowait and
//	                load rise, checkout and payments time out on it, their 5xx
//	                and latency rise and the storefront's with them; the error
//	                lines name db-eu-1:5432, and its kernel logs the cause
//	day −3          14:05: checkout v2.14.0 is deployed; its latency rises by
//	                70 percent and stays there
//	origin + 12 d   /data of db-ap-1, which has been filling steadily since the
//	                start, will be full; it is cleaned when it reaches 97 percent
//
// # Determinism and restarts
//
// Equal seed, origin and length give equal records. Every process of the
// estate is a function of the seed, its own name and the minutes since the
// start, so the future continues the past: after a restart the generator runs
// silently up to where the store's data ends, and goes on from there.
//
// How far the data goes is known from the store itself. Each batch carries a
// row of the metrics tidemark_demo_origin, tidemark_demo_seed and
// tidemark_demo_minutes with the label part, whose time is the end (exclusive) of
// what that part of the estate has written. As a batch is atomic, a killed
// process leaves neither gaps nor repeated log rows behind.
package demo

// Package selfmon records what a program and its host do into the program's
// own store, so that a store that nobody writes to yet has something to show,
// and one that does can be looked at with its own language.
//
// Every interval (10 s by default) it writes, in the measurements and fields
// that Telegraf uses, with the label host:
//
//	cpu     usage_user, usage_system, usage_iowait, usage_idle (percent)
//	system  load1, load5, load15, n_cpus, uptime
//	mem     total, used, available (bytes), used_percent
//	swap    total, used, used_percent
//	disk    total, used, free, used_percent, inodes_used_percent
//	                                          by path, device and fstype
//	diskio  reads, writes, read_bytes, write_bytes, io_time by name
//	net     bytes_sent, bytes_recv, packets_sent, packets_recv, err_in,
//	        err_out, drop_in, drop_out        by interface
//
// every metric of the program's Prometheus registry under its own name with
// the labels host and service, and the program's log records as rows of
// {host, service, level}.
//
// It never stands in the program's way: records wait in a buffer of bounded
// size, what finds it full is dropped and counted, and a store that refuses
// writes is asked again with the next interval. It opens no store and no
// listener, and logs nothing through the logger it records.
package selfmon

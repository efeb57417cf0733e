// Package ingest turns wire bytes into model values: one package per protocol
// below it, and here what they share: options and limits, the rules that make
// rows of fields, reports of refused records, and the Sink that batches go
// to.
//
// # Names
//
//	source                              name
//	----------------------------------  -------------------------------------
//	measurement cpu, field usage_user   metric cpu_usage_user
//	measurement mem, field value        metric mem
//	a_b with c, a with b_c              both are metric a_b_c: with equal
//	                                    labels one series; a later write of
//	                                    the same time replaces an earlier one
//	measurement or field that is empty  refused
//
// # Labels that are added
//
//	label        on           value
//	-----------  -----------  ------------------------------------------------
//	measurement  log rows     the measurement
//	db           all rows     the database or bucket, where one is given and
//	                          Options.NoDatabaseLabel is not set
//	tenant       all rows     the tenant, where one is given
//
// A tag of the same name becomes exported_measurement, exported_db,
// exported_tenant; where the record has that too, exported_ is put before it
// again. On metric rows a tag measurement is a label like any other, and so
// are db and tenant where they are not added.
//
// Names and label values are UTF-8; whatever is not, and whatever is beyond a
// limit, is refused record by record.
package ingest

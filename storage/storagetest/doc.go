// Package storagetest helps to test the store: a slow and obvious store to
// compare with, a generator of batches, and a printer that turns what a view
// answers into text. It refuses to know of the store itself, so that any
// implementation of model.View can be tested with it.
package storagetest

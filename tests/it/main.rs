//! Every integration test is a module of this one binary.

mod dataset;

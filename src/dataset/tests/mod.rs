mod rows;
mod split;
mod table;

mod custom;
mod rows;
mod split;
mod table;

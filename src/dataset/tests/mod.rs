mod custom;
mod known;
mod rows;
mod split;
mod table;

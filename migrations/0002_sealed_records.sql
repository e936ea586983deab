-- HMAC of this installation's key over the record's place and digest; none on records of older versions.
ALTER TABLE record ADD COLUMN mac BYTES;

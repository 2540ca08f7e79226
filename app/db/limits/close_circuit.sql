-- Close the circuit and forget its failures. No row: there were none.
delete from gate where tenant_id = :tenant_id and cause = :dependency returning cause

-- Add an operator's act to the record.
insert into audit (tenant_id, actor, act, number, detail) values (:tenant_id, :actor, :act, :number, :detail)

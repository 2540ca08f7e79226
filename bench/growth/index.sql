-- The search index of what is stored, as the product would have made it.
truncate posting, term, corpus;

insert into posting (tenant_id, kind, term, document, frequency)
select tenant_id, 'ticket', term, document, frequency
from ticket
cross join lateral unnest(terms, frequencies) held (term, frequency);

insert into posting (tenant_id, kind, term, document, frequency)
select tenant_id, 'article', term, document, frequency
from article
cross join lateral unnest(terms, frequencies) held (term, frequency);

insert into term (tenant_id, kind, term, documents)
select tenant_id, kind, term, count(*)
from posting
group by tenant_id, kind, term;

insert into corpus (tenant_id, kind, configuration, documents, total_length)
select tenant_id, 'ticket', 'english 3', count(*), sum(length) from ticket where indexed_digest is not null group by tenant_id
union all
select tenant_id, 'article', 'english 3', count(*), sum(length) from article group by tenant_id

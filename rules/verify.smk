"""Whether what was made is whole."""


rule check_run:
    """Name every probe that is not whole, and fail if there is one."""
    localrule: True
    input:
        INDEX,
        SUMMARIES,
        OVERVIEWS,
        VIEWERS,
        probes="<results>/probes.tsv",
        script=script("check_run"),
        library=library("check_run"),
    output:
        checked="<results>/checked.tsv",
    log:
        "logs/check_run.log",
    benchmark:
        "benchmarks/check_run.tsv"
    resources:
        mem_mb=lambda wildcards, attempt: 500 * attempt,
        runtime="10m",
    params:
        results=config["results"],
    shell:
        """
        python {input.script:q} {input.probes:q} --results {params.results:q} \
            --checked {output.checked:q} > {log:q} 2>&1
        """

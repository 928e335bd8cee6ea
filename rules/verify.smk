"""Whether what was made is whole."""


rule check_run:
    """Name every probe that is not whole, and fail if there is one."""
    input:
        run="<results>/run.json",  # which waits for all else
        probes="<results>/probes.tsv",
        script=script("check_run"),
    output:
        checked="<results>/checked.tsv",
    log:
        "logs/check_run.log",
    benchmark:
        "benchmarks/check_run.tsv"
    localrule: True
    resources:
        mem_mb=lambda wildcards, attempt: 500 * attempt,
        runtime="10m",
    params:
        library=library("check_run"),
    shell:
        """
        python {input.script:q} {input.probes:q} --checked {output.checked:q} \
            >{log:q} 2>&1
        """

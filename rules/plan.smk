"""What a run would cost, before it costs anything."""


rule plan:
    """Print what is to be fetched, what is there, and how much room there is."""
    input:
        listed=listed_sessions,
        probes="<results>/probes.tsv",
        script=script("plan"),
    log:
        "<logs>/plan.log",
    localrule: True
    resources:
        mem_mb=500,
    params:
        cache=lambda wildcards: config["cache"],
        keep="--keep" if config["keep"] else "",
        listed=lambda wildcards: options("--listed", listed_sessions(wildcards)),
        patience=patience(),
    shell:
        """
        python {input.script:q} {input.probes:q} --cache {params.cache:q} \
            {params.keep} {params.listed} {params.patience} 2>{log:q} | tee -a {log:q}
        """
